using System.Collections.Frozen;

namespace Platform.Contracts;

/// <summary>The built-in roles and what each may do. A permission carries the name of the scope it answers to.</summary>
public static class Roles
{
    public const string Viewer = "viewer";
    public const string Editor = "editor";
    public const string Admin = "admin";
    public const string Owner = "owner";

    /// <summary>A permission of owners that no token can be used for: deleting the workspace and making owners.</summary>
    public const string WorkspaceOwn = "workspace:own";

    private static readonly string[] _viewer = [Scopes.RecordsRead, Scopes.DirectoryRead, Scopes.WorkspaceRead];

    private static readonly string[] _editor =
    [
        .. _viewer,
        Scopes.RecordsWrite,
        Scopes.RecordsDelete,
        Scopes.SchemaWrite,
        Scopes.SchemaDelete,
    ];

    private static readonly string[] _admin =
    [
        .. _editor,
        Scopes.DirectoryWrite,
        Scopes.DirectoryDelete,
        Scopes.AuditRead,
        Scopes.AuditWrite,
        Scopes.WorkspaceWrite,
    ];

    private static readonly FrozenDictionary<string, FrozenSet<string>> _permissions = new Dictionary<string, string[]>
    {
        [Viewer] = _viewer,
        [Editor] = _editor,
        [Admin] = _admin,
        [Owner] = [.. _admin, WorkspaceOwn],
    }.ToFrozenDictionary(pair => pair.Key, pair => pair.Value.ToFrozenSet());

    public static IReadOnlyCollection<string> All { get; } = [Viewer, Editor, Admin, Owner];

    /// <summary>Empty for a role that is not built in.</summary>
    public static IReadOnlySet<string> PermissionsOf(string role) =>
        _permissions.TryGetValue(role, out var permissions) ? permissions : FrozenSet<string>.Empty;
}
