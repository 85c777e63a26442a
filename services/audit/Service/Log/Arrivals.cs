using System.Diagnostics.Metrics;
using System.Text.Json;
using Npgsql;
using NpgsqlTypes;
using Platform.ServiceDefaults.State;
using Platform.ServiceDefaults.Telemetry;

namespace Platform.Audit.Service.Log;

/// <summary>Stores what arrives, by whichever way. An event id that the log or an earlier arrival already has is skipped.</summary>
internal sealed class Arrivals(NpgsqlDataSource database, ArrivalSignal signal, TimeProvider time)
{
    // Between the look into the log and the insert an arrival may have moved there; the sequencer looks again, alone.
    private const string Insert = """
        insert into audit.arrival
            (workspace_id, event_id, environment_id, occurred_at, action, outcome, actor, tool, task, call_id, targets, body)
        select a.workspace_id, a.event_id, a.environment_id, a.occurred_at, a.action, a.outcome, a.actor, a.tool, a.task, a.call_id,
            a.targets::jsonb, a.body
        from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::timestamptz[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
            $10::text[], $11::text[], $12::bytea[]) with ordinality
            as a(workspace_id, event_id, environment_id, occurred_at, action, outcome, actor, tool, task, call_id, targets, body, nth)
        where not exists (select from audit.event e where e.workspace_id = a.workspace_id and e.event_id = a.event_id)
        order by a.nth
        on conflict do nothing
        """;

    // Longer texts are in the body; an index takes no more than this.
    private const int MaxIndexed = 200;

    private static readonly Counter<long> _arrived = PlatformMeter.Instance.CreateCounter<long>(
        "platform.audit.arrived",
        "{event}",
        "Audit events stored on arrival."
    );
    private static readonly Counter<long> _known = PlatformMeter.Instance.CreateCounter<long>(
        "platform.audit.duplicates",
        "{event}",
        "Audit events that came again."
    );

    /// <summary>Returns how many were new, once all are stored.</summary>
    /// <param name="events">What arrived.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <param name="addBeside">Adds what is stored in the same transaction.</param>
    public async Task<int> StoreAsync(
        IReadOnlyList<CanonicalEvent> events,
        CancellationToken cancellationToken,
        Action<NpgsqlBatch>? addBeside = null
    )
    {
        if (events.Count == 0 && addBeside is null)
        {
            return 0;
        }

        // The same events may arrive twice at once, in different orders: a deadlock. PostgreSQL ends one of the two; repeated, it finds the
        // events of the other already there.
        return Stored(
            await Transient.RepeatAsync(
                async () =>
                {
                    await using var batch = database.CreateBatch(AuditRoles.Intake);
                    AddTo(batch, events);
                    addBeside?.Invoke(batch);
                    await batch.ExecuteNonQueryAsync(cancellationToken);
                    return (int)batch.BatchCommands[1].RecordsAffected;
                },
                time,
                cancellationToken
            ),
            events.Count
        );
    }

    /// <summary>Adds the insert to a batch that runs as <see cref="AuditRoles.Intake"/>.</summary>
    public static void AddTo(NpgsqlBatch batch, IReadOnlyList<CanonicalEvent> events) =>
        batch.Add(
            Insert,
            Column(events, happened => happened.WorkspaceId),
            Column(events, happened => happened.Id),
            Column(events, happened => happened.EnvironmentId),
            Column(events, happened => happened.OccurredAt.UtcDateTime),
            Column(events, happened => Indexed(happened.Action)),
            Column(events, happened => happened.Outcome),
            Column(events, happened => Indexed(happened.Actor.Id)),
            Texts(events, happened => OptionalIndexed(happened.Call.Tool)),
            Texts(events, happened => OptionalIndexed(happened.Call.Task)),
            Texts(events, happened => OptionalIndexed(happened.Call.CallId)),
            Column(events, Targets),
            Column(events, happened => happened.ToBytes())
        );

    /// <summary>Counts what a batch stored, and wakes the sequencer.</summary>
    public int Stored(int added, int received)
    {
        _arrived.Add(added);
        _known.Add(received - added);
        if (added > 0)
        {
            signal.Set();
        }

        return added;
    }

    private static string Targets(CanonicalEvent happened) =>
        JsonSerializer.Serialize(
            happened
                .Targets.SelectMany(target =>
                    target.Ids.Where(id => id.Length <= MaxIndexed).Select(id => (Kind: Indexed(target.Kind), Id: Indexed(id)))
                )
                .Distinct()
                .Select(target => new[] { target.Kind, target.Id })
        );

    private static T[] Column<T>(IReadOnlyList<CanonicalEvent> events, Func<CanonicalEvent, T> value) => [.. events.Select(value)];

    private static NpgsqlParameter Texts(IReadOnlyList<CanonicalEvent> events, Func<CanonicalEvent, string?> value) =>
        new() { Value = Column(events, value), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text };

    private static string? OptionalIndexed(string? text) => string.IsNullOrEmpty(text) ? null : Indexed(text);

    // PostgreSQL stores no NUL in a text, and no half of a surrogate pair. The body keeps both.
    private static string Indexed(string text)
    {
        var length = Math.Min(text.Length, MaxIndexed);
        var whole = length < text.Length && char.IsHighSurrogate(text[length - 1]) ? length - 1 : length;
        return text[..whole].Replace('\0', '\uFFFD');
    }
}
