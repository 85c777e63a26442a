using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;
using Platform.Audit.Service.Sinks;
using Platform.Contracts;
using Platform.ServiceDefaults.Telemetry;

namespace Platform.Audit.Service.Streams;

/// <summary>
/// Delivers one stream, in order. The cursor moves only over what the destination has accepted, what the filter leaves out, and what is
/// skipped by a recorded decision; a lost answer sends the same events, under the same ids and sequences, again.
/// </summary>
internal sealed partial class StreamDelivery(
    StreamStore store,
    StreamDecisions decisions,
    SinkSet sinks,
    TimeProvider time,
    ILogger<StreamDelivery> log
)
{
    private const string UnreadableSecret = "The stored secret cannot be opened. Set a new one with update_audit_stream.";

    private static readonly TimeSpan _longestBackoff = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan _longestRetryAfter = TimeSpan.FromHours(1);
    private static readonly Counter<long> _delivered = PlatformMeter.Instance.CreateCounter<long>(
        "platform.audit.stream.events",
        "{event}",
        "Events by what became of their delivery."
    );
    private static readonly Histogram<double> _lag = PlatformMeter.Instance.CreateHistogram<double>(
        "platform.audit.stream.lag",
        "s",
        "From an event's arrival to its acceptance by a destination."
    );

    /// <summary>Returns when nothing is left to deliver, or the stream has to wait.</summary>
    /// <param name="ending">Ends after the request under way.</param>
    public async Task RunAsync(Guid workspaceId, Guid id, CancellationToken ending, CancellationToken cancellationToken)
    {
        for (var limit = int.MaxValue; limit > 0 && !ending.IsCancellationRequested; )
        {
            limit = await StepAsync(workspaceId, id, limit, cancellationToken);
        }
    }

    // Returns how many entries the next step may send; none ends the run.
    private async Task<int> StepAsync(Guid workspaceId, Guid id, int limit, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        if (await store.FindAsync(workspaceId, id, now, cancellationToken) is not { } stream)
        {
            return 0;
        }

        var sink = sinks.Find(stream.Type);
        if (sink is null || !stream.HasSecret)
        {
            // The key ring may only be out of reach, or a newer version about to start, so it is tried again; the list of streams says what
            // is wrong.
            var reason = sink is null ? SinkSet.NotKnown(stream.Type) : UnreadableSecret;
            await RetryLaterAsync(stream, null, new SinkAnswer(SinkVerdict.Retry, null, reason), cancellationToken);
            return 0;
        }

        var oldest = now - sink.MaxAge;
        var events = await store.FindEventsAsync(stream, sink.MaxEntries, sink.MaxPayloadBytes, cancellationToken);
        var payload = new StreamPayload(sink, stream, Math.Min(limit, sink.MaxEntries));
        foreach (var happened in events)
        {
            if (!payload.TryAdd(happened, oldest))
            {
                break;
            }
        }

        if (payload.Through == stream.DeliveredThrough && payload.StoppedBy is { } obstacle)
        {
            await (
                obstacle.OccurredAt < oldest
                    ? decisions.SkipTooOldAsync(stream, oldest, cancellationToken)
                    : decisions.SkipRefusedAsync(stream, obstacle.Sequence, cancellationToken)
            );
            return limit;
        }

        foreach (var checkpoint in await store.FindCheckpointsAsync(stream, payload.Through, payload.Room, cancellationToken))
        {
            payload.Add(checkpoint, oldest);
        }

        if (payload.Entries.Count == 0)
        {
            var settled = payload.Through > stream.DeliveredThrough || payload.CheckpointThrough > stream.CheckpointThrough;
            return settled && await store.AdvanceAsync(stream, payload.Through, payload.CheckpointThrough, null, cancellationToken)
                ? limit
                : 0;
        }

        using var activity = PlatformActivity.Source.StartActivity("audit stream delivery", ActivityKind.Client);
        var answer = await sink.SendAsync(stream.Destination, payload.Entries, cancellationToken);
        return await TakeAsync(stream, sink, payload, answer, limit, cancellationToken);
    }

    private async Task<int> TakeAsync(
        StreamState stream,
        ISink sink,
        StreamPayload payload,
        SinkAnswer answer,
        int limit,
        CancellationToken cancellationToken
    )
    {
        switch (answer.Verdict)
        {
            case SinkVerdict.Accepted:
                return await AcceptAsync(stream, payload, cancellationToken) ? (int)Math.Min((long)limit * 2, int.MaxValue) : 0;
            case SinkVerdict.TooLarge or SinkVerdict.Rejected when payload.Entries.Count > 1:
                return payload.Entries.Count / 2;
            case SinkVerdict.TooLarge or SinkVerdict.Rejected:
                return await IsolateAsync(stream, sink, payload, answer, cancellationToken);
            case SinkVerdict.Unauthorized:
                LogInvalid(stream.Destination.StreamId, answer.Status);
                await decisions.InvalidateAsync(stream, answer.Status, Describe(answer), cancellationToken);
                return 0;
            default:
                await RetryLaterAsync(stream, payload, answer, cancellationToken);
                return 0;
        }
    }

    private async Task<bool> AcceptAsync(StreamState stream, StreamPayload payload, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var advanced = await store.AdvanceAsync(stream, payload.Through, payload.CheckpointThrough, now, cancellationToken);
        _delivered.Add(payload.Events.Count, new KeyValuePair<string, object?>("result", "accepted"));
        payload.Events.ForEach(happened => _lag.Record((now - happened.RecordedAt).TotalSeconds));
        return advanced;
    }

    // One entry that is refused is either bad itself, or everything is: a test entry tells.
    private async Task<int> IsolateAsync(
        StreamState stream,
        ISink sink,
        StreamPayload payload,
        SinkAnswer answer,
        CancellationToken cancellationToken
    )
    {
        var test = sink.EncodeTest(stream.Destination, Ids.Format("evt", Ids.New()), time.GetUtcNow());
        if (await sink.SendAsync(stream.Destination, [test], cancellationToken) is not { Verdict: SinkVerdict.Accepted })
        {
            await RetryLaterAsync(stream, payload, answer, cancellationToken);
            return 0;
        }

        LogRefused(stream.Destination.StreamId, answer.Status);
        if (payload.Events.Count == 0)
        {
            // A checkpoint. The next one covers what it said.
            return await store.AdvanceAsync(stream, payload.Through, payload.CheckpointThrough, null, cancellationToken) ? int.MaxValue : 0;
        }

        _delivered.Add(1, new KeyValuePair<string, object?>("result", "skipped"));
        await decisions.SkipRefusedAsync(stream, payload.Events[0].Sequence, cancellationToken);
        return int.MaxValue;
    }

    private async Task RetryLaterAsync(StreamState stream, StreamPayload? payload, SinkAnswer answer, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        await store.FailAsync(stream, payload, Describe(answer), now, now + Backoff(stream.Failures, answer.RetryAfter), cancellationToken);
        _delivered.Add(0, new KeyValuePair<string, object?>("result", "retried"));
        LogRetry(stream.Destination.StreamId, stream.Failures + 1, answer.Status?.ToString(CultureInfo.InvariantCulture) ?? answer.Message);
    }

    // Doubles from a second to five minutes, less up to a half by chance, so that many streams do not come back at once.
    private static TimeSpan Backoff(int failures, TimeSpan? asked)
    {
        var seconds = Math.Min(Math.Pow(2, Math.Min(failures, 20)), _longestBackoff.TotalSeconds);
        var backoff = TimeSpan.FromSeconds(seconds * (0.5 + Random.Shared.NextDouble() / 2));
        return asked is { } wait && wait > backoff
            ? wait < _longestRetryAfter
                ? wait
                : _longestRetryAfter
            : backoff;
    }

    private static string Describe(SinkAnswer answer) =>
        answer.Status is { } status ? $"{status} {answer.Message}".TrimEnd() : answer.Message;

    [LoggerMessage(4101, LogLevel.Warning, "Try {Failures} to deliver to {Stream} failed ({Answer})")]
    private partial void LogRetry(string stream, int failures, string answer);

    [LoggerMessage(4102, LogLevel.Error, "The destination of {Stream} refused us for good ({Status}); the stream has stopped")]
    private partial void LogInvalid(string stream, int? status);

    [LoggerMessage(4103, LogLevel.Error, "The destination of {Stream} refused one entry ({Status}) and takes others; it is skipped")]
    private partial void LogRefused(string stream, int? status);
}
