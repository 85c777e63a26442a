namespace Platform.Contracts;

/// <summary>Which tool finds things of a kind: what a refusal of an id names.</summary>
/// <param name="Kind">As problems spell it.</param>
/// <param name="Prefix">Of its ids.</param>
/// <param name="Tool">Lists them, or searches among them.</param>
/// <param name="IsOfEnvironment">Whether each environment has its own.</param>
public sealed record Finder(string Kind, string Prefix, string Tool, bool IsOfEnvironment)
{
    /// <summary>All that tools find. What only people manage, such as personal tokens, is not among it.</summary>
    public static IReadOnlyList<Finder> All { get; } =
    [
        new("audit event", "evt", "search_audit_events", false),
        new("audit stream", "str", "list_audit_streams", false),
        new("connected app", "", "list_connected_apps", false),
        new("database", "db", "list_databases", true),
        new("environment", "env", "list_environments", false),
        new("invitation", "inv", "list_invitations", true),
        new("member", "mbr", "list_members", false),
        new("member invitation", "minv", "list_member_invitations", false),
        new("membership", "om", "list_memberships", true),
        new("organization", "org", "list_organizations", true),
        new("record", "rec", "search_records", true),
        new("table", "tbl", "list_tables", true),
        new("user", "usr", "list_users", true),
        new("workspace", "wks", "whoami", false),
    ];

    public static Finder? Of(string kind) => All.FirstOrDefault(finder => finder.Kind == kind);

    public static Finder? OfPrefix(string prefix) => All.FirstOrDefault(finder => finder.Prefix == prefix);
}
