using Platform.Changes.Contracts;
using Platform.Contracts.Catalogue;

namespace Platform.Audit.Contracts;

/// <summary>The tools that audit owns.</summary>
public static class AuditContract
{
    public static ToolCatalogue Catalogue { get; } =
        ToolCatalogue.Join(ToolCatalogue.Of("audit", typeof(AuditContract).Assembly), ChangesContract.Of("audit"));
}
