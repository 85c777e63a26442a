namespace Platform.ServiceDefaults.Changes;

/// <summary>A table whose rows are kept by <c>platform.keep_rows()</c>, and how its changes are taken back.</summary>
/// <param name="Schema">Such as <c>directory</c>.</param>
/// <param name="Name">Such as <c>organization</c>. Tables are told in an order in which owners come before what they own.</param>
/// <param name="Kind">What its rows are to the caller.</param>
/// <param name="Match">The row <c>r</c> of the key <c>k.key</c>, in SQL.</param>
/// <param name="Updatable">The columns that an update may write, without <c>version</c>.</param>
public sealed record KeptTable(string Schema, string Name, string Kind, string Match, params IReadOnlyList<string> Updatable)
{
    public string QualifiedName => $"{Schema}.{Name}";

    /// <summary>Whether rows count their changes; an undo counts on.</summary>
    public bool HasVersion { get; init; }

    /// <summary>How a key is shown to the caller.</summary>
    public required Func<string, string> IdOf { get; init; }

    /// <summary>Tables that a removal would empty as well, and their column: what others put there since keeps the row.</summary>
    public IReadOnlyList<(string Table, string Column, string Key)> Owned { get; init; } = [];

    /// <summary>Set for rows that are part of another table's: they share its fate and are not told apart.</summary>
    public string? PartOf { get; init; }

    /// <summary>What is written instead of removing a row that was created, in SQL of a JSON image <c>image</c>; null: it is removed.</summary>
    public string? InsteadOfRemoval { get; init; }

    /// <summary>Whether a row, as JSON, is one that was created and taken back in that way.</summary>
    public Func<string, bool> IsTakenBack { get; init; } = _ => false;

    /// <summary>What about undoing a creation cannot be taken back.</summary>
    public string Note { get; init; } = "";

    /// <summary>What has to be there beside rows that come back, in SQL of the keys $1; and what the caller has to know of it.</summary>
    public string? AfterRestore { get; init; }

    public string RestoreNote { get; init; } = "";

    /// <summary>What writing and removing rows needs.</summary>
    public required string WritePermission { get; init; }

    public required string DeletePermission { get; init; }
}
