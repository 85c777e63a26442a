using Platform.Changes.Contracts;
using Platform.Contracts.Catalogue;

namespace Platform.Identity.Contracts;

/// <summary>What identity offers as tools.</summary>
public static class IdentityContract
{
    public static ToolCatalogue Catalogue { get; } =
        ToolCatalogue.Join(ToolCatalogue.Of("identity", typeof(IdentityContract).Assembly), ChangesContract.Of("identity"));
}
