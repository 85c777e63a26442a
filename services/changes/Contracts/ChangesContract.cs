using Platform.Contracts.Catalogue;

namespace Platform.Changes.Contracts;

/// <summary>What every service offers that keeps its changes: tasks, their sum, and undo.</summary>
public static class ChangesContract
{
    /// <summary>
    /// The tools as <paramref name="service"/> offers them. Once they are joined with those of other services, a call goes to all of them.
    /// </summary>
    public static ToolCatalogue Of(string service) => ToolCatalogue.Of(service, typeof(ChangesContract).Assembly);
}
