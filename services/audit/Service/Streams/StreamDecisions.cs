using Google.Protobuf.WellKnownTypes;
using Platform.Audit.Contracts;
using Platform.Audit.Service.Log;
using Platform.Contracts;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Audit.Service.Streams;

/// <summary>What a worker decides about a stream by itself. Each decision is an event, in the transaction of its effect.</summary>
internal sealed class StreamDecisions(UnitOfWork work)
{
    private const string Invalidate = """
        update audit.stream set state = 'invalid', failures = failures + 1, retry_at = null, last_error = $3, last_error_at = $4
        where workspace_id = $1 and id = $2 and delivered_through = $5 and version = $6 and state in ('active', 'error')
        """;

    // Up to the first event that is young enough, or the end of the log as it is now.
    private const string FindTooOld = """
        select coalesce(
            (select min(sequence) - 1 from audit.event where workspace_id = $1 and sequence > $2 and occurred_at >= $3),
            (select max(sequence) from audit.event where workspace_id = $1))
        """;

    private const string CountPassing = """
        select count(*) from audit.event e where workspace_id = $1 and sequence > $2 and sequence <= $3
            and (cardinality($4::text[]) + cardinality($5::text[]) = 0 or action = any($4)
                or exists (select from unnest($5) p where starts_with(e.action, p)))
            and case when environment_id is null then $7 else $6::uuid[] is null or environment_id = any ($6) end
        """;

    private const string Skip = """
        update audit.stream set delivered_through = $4, skipped = skipped + $5, attempted_through = null, attempted_checkpoint = null
        where workspace_id = $1 and id = $2 and delivered_through = $3 and state in ('active', 'error')
        """;

    public Task InvalidateAsync(StreamState stream, int? status, string error, CancellationToken cancellationToken) =>
        DecideAsync(
            stream,
            async tx =>
            {
                if (
                    await tx.ExecuteAsync(
                        Invalidate,
                        stream.WorkspaceId,
                        stream.Id,
                        error,
                        tx.Now.UtcDateTime,
                        stream.DeliveredThrough,
                        stream.Version
                    ) == 1
                )
                {
                    var id = stream.Destination.StreamId;
                    tx.Announce(
                        new AuditStreamInvalidated(tx.NewEventId(), stream.WorkspaceId, tx.Now, id, status, stream.DeliveredThrough),
                        "audit_stream.invalidated",
                        new Target("audit_stream", id)
                    );
                }
            },
            cancellationToken
        );

    /// <summary>Leaves out everything up to the first event that happened at <paramref name="notBefore"/> or later.</summary>
    public Task SkipTooOldAsync(StreamState stream, DateTimeOffset notBefore, CancellationToken cancellationToken) =>
        DecideAsync(
            stream,
            async tx =>
            {
                var last = await tx.ScalarAsync<long>(FindTooOld, stream.WorkspaceId, stream.DeliveredThrough, notBefore.UtcDateTime);
                if (last > stream.DeliveredThrough)
                {
                    var count = await tx.ScalarAsync<long>(
                        CountPassing,
                        stream.WorkspaceId,
                        stream.DeliveredThrough,
                        last,
                        stream.Filter.Exact.ToArray(),
                        stream.Filter.Prefixes.ToArray(),
                        stream.Scope.EnvironmentsParameter,
                        stream.Scope.WorkspaceEvents
                    );
                    await SkipAsync(tx, stream, "too_old", stream.DeliveredThrough + 1, last, count);
                }
            },
            cancellationToken
        );

    /// <summary>Leaves out one event that the destination refuses although it takes others.</summary>
    public Task SkipRefusedAsync(StreamState stream, long sequence, CancellationToken cancellationToken) =>
        DecideAsync(stream, tx => SkipAsync(tx, stream, "not_accepted", sequence, sequence, 1), cancellationToken);

    private static async Task SkipAsync(WriteTransaction tx, StreamState stream, string reason, long first, long last, long count)
    {
        if (await tx.ExecuteAsync(Skip, stream.WorkspaceId, stream.Id, stream.DeliveredThrough, last, count) == 1 && count > 0)
        {
            var id = stream.Destination.StreamId;
            tx.Announce(
                new AuditEventsSkipped(tx.NewEventId(), stream.WorkspaceId, tx.Now, id, reason, first, last, count),
                "audit_stream.skipped",
                new Target("audit_stream", id)
            );
        }
    }

    private async Task DecideAsync(StreamState stream, Func<WriteTransaction, Task> body, CancellationToken cancellationToken)
    {
        var call = new Call
        {
            CallId = Ids.New().ToString(),
            Caller = Caller.ForService("audit", stream.WorkspaceId),
            Definition = null,
            Request = new Empty(),
        };
        await work.WriteAsync(call, body, new SessionSettings(Role: AuditRoles.Streamer), cancellationToken);
    }
}
