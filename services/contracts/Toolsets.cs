namespace Platform.Contracts;

/// <summary>Which toolsets the plain URL lists. The others are listed when the URL names them: see docs/decisions/0012.</summary>
public static class Toolsets
{
    public static IReadOnlyList<string> Default { get; } = ["workspace", "databases", "tables", "records", "tasks"];
}
