using System.Text;
using Platform.Contracts;

namespace Platform.ServiceDefaults.Calls;

/// <summary>Broken rules as a model reads them: each beside its own fix, so that nobody has to guess which belongs to which.</summary>
public static class ViolationText
{
    /// <summary>So many are told; the others are counted.</summary>
    public const int MaxTold = 50;

    /// <summary>
    /// What happened and what to do. Where there are several fixes, the message holds them as well, and the fix is empty. Rules that one
    /// fix serves stand together, so that a long one is said once.
    /// </summary>
    /// <param name="violations">The first of them.</param>
    /// <param name="total">How many there are.</param>
    public static (string Message, string Fix) Of(IReadOnlyList<Violation> violations, int total)
    {
        var told = Lines(violations, total);
        return told is [var only] ? only : ($"{total} rules are broken:{AsList(told)}", "");
    }

    /// <summary>Violations that stand behind what a problem says of them all.</summary>
    public static string AsList(IReadOnlyList<Violation> violations) => AsList(Lines(violations, violations.Count));

    private static List<(string Rules, string Fix)> Lines(IReadOnlyList<Violation> violations, int total)
    {
        var named = violations.Take(MaxTold).ToList();
        var told = named
            .GroupBy(violation => violation.Fix)
            .Select(alike => (Rules: string.Join(' ', alike.Select(Rule).Distinct()), Fix: alike.Key))
            .ToList();
        if (total > named.Count)
        {
            told.Add(($"And {total - named.Count} more.", "Correct these first."));
        }

        return told;
    }

    private static string Rule(Violation violation) => $"{violation.Field}: {violation.Rule}.";

    private static string AsList(List<(string Rules, string Fix)> lines) =>
        lines.Aggregate(new StringBuilder(), (text, line) => text.Append($"\n- {line.Rules} {line.Fix}")).ToString();
}
