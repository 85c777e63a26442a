using Platform.Changes.Contracts;
using Platform.Contracts.Catalogue;

namespace Platform.Directory.Contracts;

/// <summary>What the directory service offers.</summary>
public static class DirectoryContract
{
    /// <summary>The tools of the directory service.</summary>
    public static ToolCatalogue Catalogue { get; } =
        ToolCatalogue.Join(ToolCatalogue.Of("directory", typeof(DirectoryContract).Assembly), ChangesContract.Of("directory"));
}
