namespace Platform.Edge.Compact;

/// <summary>
/// A word that somebody looks for, without its ending: <c>invite</c> also finds invitations, and <c>deletion</c> finds what deletes.
/// </summary>
internal readonly record struct SearchWord
{
    // What is left of a word must still mean something.
    private const int MinStem = 4;

    // The longer ones first.
    private static readonly string[] _endings = ["ations", "ation", "ions", "ings", "ion", "ing", "ers", "er", "ed", "es", "e", "s"];

    private readonly string _stem;

    private SearchWord(string word) =>
        _stem = _endings.FirstOrDefault(ending =>
            word.Length - ending.Length >= MinStem && word.EndsWith(ending, StringComparison.OrdinalIgnoreCase)
        )
            is { } found
            ? word[..^found.Length]
            : word;

    public static IReadOnlyList<SearchWord> In(string search) =>
        [
            .. search
                .Split([' ', ',', '_'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
                .Select(word => new SearchWord(word)),
        ];

    public bool IsIn(string text) => text.Contains(_stem, StringComparison.OrdinalIgnoreCase);
}
