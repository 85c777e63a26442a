using Platform.Contracts.Catalogue;

namespace Platform.Audit.Contracts;

/// <summary>The tools that audit owns.</summary>
public static class AuditContract
{
    public static ToolCatalogue Catalogue { get; } = ToolCatalogue.Of("audit", typeof(AuditContract).Assembly);
}
