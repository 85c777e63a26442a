using System.Text.Json;

namespace Platform.Audit.Service.Trail;

/// <summary>
/// The words of the log: what the platform can record. They are read from <c>vocabulary.json</c>, which the architecture tests generate
/// from the contracts and the sources of all services.
/// </summary>
internal sealed record Vocabulary(IReadOnlyList<string> Actions, IReadOnlyList<string> TargetKinds, IReadOnlyList<string> Tools)
{
    private const int MaxMatches = 5;

    public static Vocabulary Instance { get; } = Read();

    /// <summary>The services, which act by themselves.</summary>
    public static IReadOnlyList<string> Services { get; } = ["audit", "data", "directory", "edge", "identity"];

    /// <summary>What somebody may have meant, best first: words that differ in a few letters, or begin with the same kind.</summary>
    public static IReadOnlyList<string> Near(string word, IEnumerable<string> words) =>
        [
            .. words
                .Select(one => (Word: one, Distance: Distance(word, one)))
                .Where(one => one.Distance <= Math.Max(2, word.Length / 3) || KindOf(one.Word) == KindOf(word))
                .OrderBy(one => one.Distance)
                .ThenBy(one => one.Word, StringComparer.Ordinal)
                .Take(MaxMatches)
                .Select(one => one.Word),
        ];

    // `record` of `record.created`, `record.insert*` and `record`.
    private static string KindOf(string word) => word.Split('.', '*')[0];

    // What stands between the parts of a word, and their order, counts for nothing: `created_organization` is near `organization.created`.
    // The rest is Levenshtein's distance (https://en.wikipedia.org/wiki/Levenshtein_distance).
    private static int Distance(string one, string other)
    {
        var (a, b) = (Normal(one), Normal(other));
        var before = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var costs = new int[b.Length + 1];
            costs[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                costs[j] = Math.Min(Math.Min(costs[j - 1], before[j]) + 1, before[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1));
            }

            before = costs;
        }

        return before[^1];
    }

    private static string Normal(string word) =>
        string.Join(' ', word.ToLowerInvariant().Split(['.', '_', '-', ' ', '*'], StringSplitOptions.RemoveEmptyEntries).Order());

    private static Vocabulary Read()
    {
        using var stream = typeof(Vocabulary).Assembly.GetManifestResourceStream("Platform.Audit.Service.Trail.vocabulary.json")!;
        return JsonSerializer.Deserialize<Vocabulary>(stream, JsonSerializerOptions.Web)!;
    }
}
