using Platform.ServiceDefaults.State;

namespace Platform.Changes.Undo;

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

    /// <summary>The column that holds since when a row is removed: such a row counts as none, and comes back as it was.</summary>
    public string? Mark { get; init; }

    /// <summary>Columns that say nothing of the row itself, such as when something that belongs to it changed.</summary>
    public IReadOnlyList<string> Ignored { get; init; } = [];

    /// <summary>The table that a row belongs to, and the column that says to which row. What comes with a new owner is part of it.</summary>
    public (string Table, string Column)? Owner { get; init; }

    /// <summary>What keeps rows of this table from going back, given all that is to go back.</summary>
    public Func<WriteTransaction, IReadOnlyList<RowPlan>, IReadOnlyList<RowPlan>, Task<List<Obstacle>>>? FindObstaclesAsync { get; init; }

    /// <summary>What has to happen beside rows that have gone back.</summary>
    public Func<WriteTransaction, IReadOnlyList<RowPlan>, Task>? ApplyBesideAsync { get; init; }

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

/// <summary>Why a row stays as it is.</summary>
/// <param name="Plan">Of the row.</param>
/// <param name="Reason">As the contract lists them.</param>
/// <param name="Why">A sentence.</param>
/// <param name="By">Who is the reason, when somebody is.</param>
public sealed record Obstacle(RowPlan Plan, string Reason, string Why, string By = "", DateTime? At = null, string CallId = "");
