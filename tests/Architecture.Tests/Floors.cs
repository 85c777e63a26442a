namespace Platform.Architecture.Tests;

/// <summary>The folders of a project as floors, ground first. A folder uses those on the floors below it, and no others.</summary>
/// <param name="Name">Of the project's assembly, and of its root namespace.</param>
/// <param name="Folder">Where it is in the checkout.</param>
/// <param name="Levels">The folders of each floor. The root of the project stands above all of them.</param>
internal sealed record ProjectFloors(string Name, string Folder, params IReadOnlyList<string[]> Levels)
{
    public IEnumerable<string> Folders => Levels.SelectMany(level => level);

    /// <summary>The folders that a folder may use. The empty name is the root.</summary>
    public IEnumerable<string> Below(string folder) =>
        folder.Length == 0 ? Folders : Levels.TakeWhile(level => !level.Contains(folder)).SelectMany(level => level);

    public string NamespaceOf(string folder) => folder.Length == 0 ? Name : $"{Name}.{folder}";

    public override string ToString() => Name;
}

/// <summary>The table of floors, as docs/architecture.md shows it.</summary>
internal static class Floors
{
    public static IReadOnlyList<ProjectFloors> All { get; } =
    [
        new("Platform.ServiceDefaults", "ServiceDefaults", ["Calls", "Telemetry"], ["State"], ["Events"]),
        new("Platform.Audit.Service", "services/audit/Service", ["Log", "Sinks"], ["Sequencing", "Streams"], ["Calls", "Secrets", "Trail"]),
        new("Platform.Changes.Undo", "services/changes/Undo"),
        new(
            "Platform.Data.Service",
            "services/data/Service",
            ["Fields"],
            ["Schemas"],
            ["Queries"],
            ["Indexes"],
            ["Records"],
            ["Tables"],
            ["Changes", "Csv", "Databases", "Views"]
        ),
        new(
            "Platform.Directory.Service",
            "services/directory/Service",
            ["Values"],
            ["Demo", "Mail", "Members", "Organizations", "Workspaces"],
            ["Invitations", "Users"],
            ["MemberInvitations"],
            ["Joining"]
        ),
        new(
            "Platform.Identity.Service",
            "identity/Service",
            ["Keycloak", "State"],
            ["Assertions", "Realm"],
            ["AccessTokens", "Registration"],
            ["Workspaces"],
            ["PersonalTokens"],
            ["Callers"],
            ["ConnectedApps", "Demo", "Joining", "Whoami"],
            ["Governance"]
        ),
        new(
            "Platform.Edge",
            "mcp-edge",
            ["Transcoding"],
            ["Http"],
            ["Callers"],
            ["Catalogue"],
            ["Access"],
            ["Calls"],
            ["Audit"],
            ["Tools"],
            ["Lookups"],
            ["Compact", "Pages", "Prompts", "Resources"],
            ["Completions", "SignIn"]
        ),
    ];
}
