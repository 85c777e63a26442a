using System.Globalization;

namespace Platform.Bench.Campaign;

/// <summary>How long each kind of call was without a good answer after each kill.</summary>
internal static class Recoveries
{
    private const string Stream = "event at the streams";

    /// <summary>
    /// A row per process and a column per kind of call: median and worst of the time from the kill to the first good answer after the last
    /// failure. A dash: no call of that kind has failed.
    /// </summary>
    public static IEnumerable<string> Table(Ledger ledger, TrailReceiver receiver)
    {
        var kinds = Kinds.All.Where(kind => ledger.Attempts.Any(attempt => attempt.Kind == kind)).ToList();
        yield return $"| Killed | times | {string.Join(" | ", kinds)} | {Stream} |";
        yield return $"|---|---|{string.Concat(Enumerable.Repeat("---|", kinds.Count + 1))}";
        var attempts = ledger.Attempts.OrderBy(attempt => attempt.Ended).ToList();
        var windows = ledger
            .Interruptions.Zip(ledger.Interruptions.Skip(1).Select(next => next.Began).Append(DateTimeOffset.MaxValue))
            .Where(pair => pair.First.How == Interrupter.Kill)
            .ToList();
        foreach (var process in windows.GroupBy(window => window.First.What).OrderBy(group => group.Key, StringComparer.Ordinal))
        {
            var cells = kinds
                .Select(kind =>
                    Cell(process.Select(window => Recovery(attempts, kind, window.First.Began, window.Second)), process.Count())
                )
                .ToList();
            var late = Cell(process.Select(window => Lateness(receiver, window.First.Began, window.Second)), process.Count());
            yield return $"| {process.Key} | {process.Count()} | {string.Join(" | ", cells)} | {late} |";
        }
    }

    private static double? Recovery(List<Attempt> attempts, string kind, DateTimeOffset began, DateTimeOffset next)
    {
        // What began before waits for something else, or fails at the same time as what begins now.
        var mine = attempts.Where(attempt => attempt.Kind == kind && attempt.Began >= began && attempt.Ended < next).ToList();
        var failed = mine.FindLastIndex(attempt => attempt.IsOutage);
        if (failed < 0)
        {
            return null;
        }

        var good = mine.Skip(failed).FirstOrDefault(attempt => attempt.IsGood);
        return good is null ? double.PositiveInfinity : (good.Ended - began).TotalSeconds;
    }

    // The longest time from an event that happened since the kill to its arrival; under a second is as ever.
    private static double? Lateness(TrailReceiver receiver, DateTimeOffset began, DateTimeOffset next)
    {
        var late = new[] { TrailReceiver.Datadog, TrailReceiver.Https }
            .SelectMany(receiver.EntriesOf)
            .Where(entry => entry.Kind == "event" && entry.OccurredAt >= began && entry.OccurredAt < next)
            .Select(entry => (entry.ReceivedAt - entry.OccurredAt).TotalSeconds)
            .DefaultIfEmpty(0)
            .Max();
        return late > 1 ? late : null;
    }

    private static string Cell(IEnumerable<double?> seconds, int times)
    {
        var known = seconds.Where(one => one is not null).Select(one => one!.Value).Order().ToList();
        return known.Count == 0
            ? "–"
            : string.Create(CultureInfo.InvariantCulture, $"{known[known.Count / 2]:F1} / {known[^1]:F1}")
                + (known.Count < times ? $" ({known.Count}×)" : "");
    }
}
