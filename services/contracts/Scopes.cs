namespace Platform.Contracts;

/// <summary>What a token may be used for. The permission that a role needs for the same has the same name.</summary>
public static class Scopes
{
    public const string WorkspaceRead = "workspace:read";
    public const string RecordsRead = "databases.records:read";
    public const string RecordsWrite = "databases.records:write";
    public const string RecordsDelete = "databases.records:delete";
    public const string SchemaWrite = "databases.schema:write";
    public const string SchemaDelete = "databases.schema:delete";
    public const string DirectoryRead = "directory:read";
    public const string DirectoryWrite = "directory:write";
    public const string DirectoryDelete = "directory:delete";
    public const string AuditRead = "audit:read";
    public const string AuditWrite = "audit:write";
    public const string WorkspaceWrite = "workspace:write";

    /// <summary>Asked for without further ado: what an agent needs for its daily work.</summary>
    public static IReadOnlyList<string> Ordinary { get; } =
    [
        WorkspaceRead,
        RecordsRead,
        RecordsWrite,
        RecordsDelete,
        SchemaWrite,
        SchemaDelete,
        DirectoryRead,
        DirectoryWrite,
        DirectoryDelete,
        AuditRead,
    ];

    /// <summary>Asked for only when the URL's toolsets name them.</summary>
    public static IReadOnlyList<string> Administrative { get; } = [AuditWrite, WorkspaceWrite];

    public static IReadOnlyList<string> All { get; } = [.. Ordinary, .. Administrative];
}
