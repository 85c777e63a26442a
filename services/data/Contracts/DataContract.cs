using Platform.Changes.Contracts;
using Platform.Contracts.Catalogue;

namespace Platform.Data.Contracts;

/// <summary>What the data service offers: databases, tables with typed fields, and records.</summary>
public static class DataContract
{
    public static ToolCatalogue Catalogue { get; } =
        ToolCatalogue.Join(ToolCatalogue.Of("data", typeof(DataContract).Assembly), ChangesContract.Of("data"));
}
