using System.Diagnostics;

namespace Platform.Demo.Steps;

/// <summary>Compares what the sink received with what the demo did.</summary>
internal static class AuditTrail
{
    private static readonly TimeSpan _patience = TimeSpan.FromMinutes(3);

    /// <param name="redeliveries">Whether something was interrupted: then a batch may come again, under the same ids.</param>
    public static async Task CheckAsync(
        IReadOnlyCollection<MadeCall> calls,
        DatadogReceiver receiver,
        string streamId,
        bool redeliveries,
        Story story,
        CancellationToken cancellationToken,
        TimeSpan? patience = null
    )
    {
        var clock = Stopwatch.StartNew();
        while (Missing(calls, Received(receiver, streamId)).Count > 0 && clock.Elapsed < (patience ?? _patience))
        {
            await Task.Delay(100, cancellationToken);
        }

        var received = Received(receiver, streamId);
        var own = received.Where(entry => calls.Any(call => call.TraceId == entry.TraceId)).ToList();
        Show(calls, own, story);

        var missing = Missing(calls, received);
        story.Check(
            missing.Count == 0,
            $"{calls.Count} calls, {own.Count} events of them at the sink, {missing.Count} calls without one{Name(missing)}"
        );

        // A batch whose answer got lost on the way is sent again under the same ids: the receiver tells by those.
        var ids = received.GroupBy(entry => entry.Id).ToList();
        var twice = ids.Count(copies => copies.Count() > 1);
        story.Check(
            twice == 0 || redeliveries && ids.All(copies => copies.Select(copy => (copy.Sequence, copy.Body)).Distinct().Count() == 1),
            twice == 0 ? "No event id came twice." : $"{twice} event ids came again after an interruption, each with the same content."
        );

        var sequences = ids.Select(copies => copies.First().Sequence).Order().ToList();
        var gaps = sequences.Zip(sequences.Skip(1)).Count(pair => pair.Second != pair.First + 1);
        story.Check(
            sequences.Count > 0 && gaps == 0,
            $"The sequence runs from {sequences.FirstOrDefault()} to {sequences.LastOrDefault()} with {gaps} gaps."
        );

        var keys = calls.Where(call => call.IdempotencyKey is not null).GroupBy(call => call.IdempotencyKey!).ToList();
        var wrong = keys.Where(tries => tries.Any(call => call.Answer == "ok") && tries.Sum(call => Commits(own, call)) != 1)
            .Select(tries => tries.First())
            .ToList();
        story.Check(wrong.Count == 0, $"{keys.Count} writes with a key, each committed once{Name(wrong)}");
        story.Check(
            receiver.Violations.Count == 0,
            receiver.Violations.Count == 0 ? "The receiver found nothing to object to." : string.Join("; ", receiver.Violations.Distinct())
        );
    }

    private static List<ReceivedEntry> Received(DatadogReceiver receiver, string streamId) =>
        [.. receiver.Entries.Where(entry => entry.Kind == "event" && entry.StreamId == streamId)];

    // An answer that got lost may belong to a call that never arrived. What went through in the end may have been refused first, for want
    // of a scope; that event alone does not account for it.
    private static List<MadeCall> Missing(IReadOnlyCollection<MadeCall> calls, IReadOnlyList<ReceivedEntry> received)
    {
        var traces = received.ToLookup(entry => (entry.TraceId, entry.Tool));
        return
        [
            .. calls.Where(call =>
                call.Answer != "lost"
                && !traces[(call.TraceId, call.Tool)]
                    .Any(entry => call.Answer is not ("ok" or "preview") || entry.Outcome is not ("refused" or "failed"))
            ),
        ];
    }

    private static int Commits(List<ReceivedEntry> own, MadeCall call) =>
        own.Where(entry => entry.TraceId == call.TraceId && entry.Outcome == "committed").Select(entry => entry.CallId).Distinct().Count();

    private static string Name(List<MadeCall> calls) =>
        calls.Count == 0
            ? "."
            : $": {string.Join(", ", calls.Take(5).Select(call => $"{call.Tool} ({call.Answer}, trace {call.TraceId})"))}";

    private static void Show(IReadOnlyCollection<MadeCall> calls, List<ReceivedEntry> own, Story story)
    {
        var events = own.DistinctBy(entry => entry.Id).ToLookup(entry => entry.TraceId);
        story.Table(
            ["Tool", "Answer", "Calls", "Events", "Sequences", "Actions and outcomes", "First call id"],
            [
                .. calls
                    .GroupBy(call => (call.Tool, call.Answer))
                    .Select(group =>
                    {
                        var found = group.SelectMany(call => events[call.TraceId]).ToList();
                        return (IReadOnlyList<string>)
                            [
                                group.Key.Tool,
                                group.Key.Answer,
                                $"{group.Count()}",
                                $"{found.Count}",
                                found.Count == 0 ? "-" : $"{found.Min(entry => entry.Sequence)}-{found.Max(entry => entry.Sequence)}",
                                string.Join(
                                    ", ",
                                    found
                                        .Select(entry =>
                                            $"{entry.Action} {entry.Outcome}{(entry.Reason is null ? "" : $" {entry.Reason}")}"
                                        )
                                        .Distinct()
                                ),
                                found.FirstOrDefault()?.CallId ?? "-",
                            ];
                    }),
            ]
        );
    }
}
