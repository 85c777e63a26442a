using System.Collections.Frozen;

namespace Platform.Contracts;

/// <summary>The built-in roles and what each may do. A permission carries the name of the scope it answers to.</summary>
public static class Roles
{
    public const string Viewer = "viewer";
    public const string Editor = "editor";
    public const string Admin = "admin";
    public const string Owner = "owner";

    private static readonly string[] _viewer = ["databases.records:read", "directory:read", "workspace:read"];

    private static readonly string[] _editor =
    [
        .. _viewer,
        "databases.records:write",
        "databases.records:delete",
        "databases.schema:write",
        "databases.schema:delete",
    ];

    private static readonly string[] _admin =
    [
        .. _editor,
        "directory:write",
        "directory:delete",
        "audit:read",
        "audit:write",
        "workspace:write",
    ];

    private static readonly FrozenDictionary<string, FrozenSet<string>> _permissions = new Dictionary<string, string[]>
    {
        [Viewer] = _viewer,
        [Editor] = _editor,
        [Admin] = _admin,
        [Owner] = [.. _admin, "workspace:own"],
    }.ToFrozenDictionary(pair => pair.Key, pair => pair.Value.ToFrozenSet());

    public static IReadOnlyCollection<string> All { get; } = [Viewer, Editor, Admin, Owner];

    /// <summary>Empty for a role that is not built in.</summary>
    public static IReadOnlySet<string> PermissionsOf(string role) =>
        _permissions.TryGetValue(role, out var permissions) ? permissions : FrozenSet<string>.Empty;
}

/// <summary>What a token may be used for.</summary>
public static class Scopes
{
    /// <summary>Asked for without further ado: what an agent needs for its daily work.</summary>
    public static IReadOnlyList<string> Ordinary { get; } =
    [
        "workspace:read",
        "databases.records:read",
        "databases.records:write",
        "databases.records:delete",
        "databases.schema:write",
        "databases.schema:delete",
        "directory:read",
        "directory:write",
        "directory:delete",
        "audit:read",
    ];

    /// <summary>Asked for only when the URL's toolsets name them.</summary>
    public static IReadOnlyList<string> Administrative { get; } = ["audit:write", "workspace:write"];

    public static IReadOnlyList<string> All { get; } = [.. Ordinary, .. Administrative];
}
