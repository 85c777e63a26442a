namespace Platform.Data.Service.Fields;

/// <summary>One thing to order by.</summary>
/// <param name="Sql">The expression of the order.</param>
/// <param name="Text">The same value as text, for the cursor; exact.</param>
/// <param name="Cast">Turns that text back.</param>
internal sealed record SortingKey(string Sql, string Text, string Cast)
{
    /// <summary>An index can serve the order only where no place for empty values is asked for.</summary>
    public bool NeverNull { get; init; }

    /// <summary>What follows the expression, in a search and in an index for it.</summary>
    public string Direction(bool descending) => (descending ? " desc" : "") + (NeverNull ? "" : " nulls last");
}
