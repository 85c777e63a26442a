namespace Platform.Contracts;

/// <summary>Which toolsets the plain URL lists. The others are listed when the URL names them: see docs/decisions/0009.</summary>
public static class Toolsets
{
    public static IReadOnlyList<string> Default { get; } = ["workspace", "organizations", "databases", "tables", "records"];
}
