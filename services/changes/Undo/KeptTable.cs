using Platform.ServiceDefaults.State;

namespace Platform.Changes.Undo;

/// <summary>A table whose rows are kept by <c>platform.keep_rows()</c>, and how its changes are taken back.</summary>
/// <param name="Schema">Such as <c>directory</c>.</param>
/// <param name="Name">Such as <c>organization</c>. Tables are listed so that owners come before what they own.</param>
/// <param name="Kind">What its rows are to the caller.</param>
/// <param name="Match">The SQL condition that the row <c>r</c> has the key <c>k.key</c>.</param>
/// <param name="Updatable">The columns that an update may write, without <c>version</c>.</param>
public sealed record KeptTable(string Schema, string Name, string Kind, string Match, params IReadOnlyList<string> Updatable)
{
    public string QualifiedName => $"{Schema}.{Name}";

    /// <summary>Whether rows have a version that counts their changes; an undo counts on.</summary>
    public bool HasVersion { get; init; }

    /// <summary>How a key is shown to the caller.</summary>
    public required Func<string, string> IdOf { get; init; }

    /// <summary>
    /// Tables whose rows a removal would remove too, with the column that names the owner. A row that owns anything else there is left
    /// alone.
    /// </summary>
    public IReadOnlyList<(string Table, string Column, string Key)> Owned { get; init; } = [];

    /// <summary>The table whose rows these rows are always parts of.</summary>
    public string? PartOf { get; init; }

    /// <summary>The column that holds since when a row counts as removed. Such a row has no image, and comes back as it was.</summary>
    public string? Mark { get; init; }

    /// <summary>Columns that say nothing of the row itself, such as when something that belongs to it changed.</summary>
    public IReadOnlyList<string> Ignored { get; init; } = [];

    /// <summary>The table of the owners, and the column that names the owner. A row that comes with a new owner is its part.</summary>
    public (string Table, string Column)? Owner { get; init; }

    /// <summary>Finds the obstacles of rows of this table (second argument), given all rows that are to go back (third).</summary>
    public Func<WriteTransaction, IReadOnlyList<RowPlan>, IReadOnlyList<RowPlan>, Task<List<Obstacle>>>? FindObstaclesAsync { get; init; }

    /// <summary>What else has to be done for rows that have gone back.</summary>
    public Func<WriteTransaction, IReadOnlyList<RowPlan>, Task>? ApplyBesideAsync { get; init; }

    /// <summary>
    /// The image to write when a created row is revoked instead of removed, as SQL over its current <c>k.image</c>. Null: it is removed.
    /// </summary>
    public string? InsteadOfRemoval { get; init; }

    /// <summary>Whether an image is that of a row that was revoked.</summary>
    public Func<string, bool> IsTakenBack { get; init; } = _ => false;

    /// <summary>What about a creation cannot be taken back.</summary>
    public string Note { get; init; } = "";

    /// <summary>SQL that adds what restored rows need; $1 are their keys. The note says what the caller has to know about it.</summary>
    public string? AfterRestore { get; init; }

    public string RestoreNote { get; init; } = "";

    /// <summary>The permissions that writing and removing rows needs.</summary>
    public required string WritePermission { get; init; }

    public required string DeletePermission { get; init; }
}

/// <summary>Why a row is left alone although its images would allow it to go back.</summary>
/// <param name="Plan">Of the row.</param>
/// <param name="Reason">As the contract lists them.</param>
/// <param name="Why">A sentence.</param>
/// <param name="By">Whose change is the reason, when there is one.</param>
public sealed record Obstacle(RowPlan Plan, string Reason, string Why, string By = "", DateTime? At = null, string CallId = "");
