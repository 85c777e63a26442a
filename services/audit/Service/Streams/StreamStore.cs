using System.Data;
using Npgsql;
using NpgsqlTypes;
using Platform.Audit.Service.Log;
using Platform.Audit.Service.Sinks;
using Platform.Contracts;

namespace Platform.Audit.Service.Streams;

/// <summary>A stream that may deliver, as it stands in the database.</summary>
/// <param name="HasSecret">False when the stored secret cannot be opened: nothing can be sent.</param>
/// <param name="Version">Counts changes by people.</param>
/// <param name="AttemptedThrough">As far as the last request went when it failed; the next one goes no further.</param>
internal sealed record StreamState(
    Guid WorkspaceId,
    Guid Id,
    string Type,
    Destination Destination,
    bool HasSecret,
    ActionFilter Filter,
    StreamScope Scope,
    long DeliveredThrough,
    long CheckpointThrough,
    int Failures,
    long Version,
    long? AttemptedThrough,
    long? AttemptedCheckpoint
);

/// <summary>What the workers of the streams read and write, as the role for work across workspaces.</summary>
internal sealed class StreamStore(NpgsqlDataSource database, StreamSecrets secrets)
{
    private const string Find = $"""
        select {StreamScope.Columns}, type,
            coalesce(site, url) as address, secret, tags, actions, delivered_through, checkpoint_through, failures, version,
            attempted_through, attempted_checkpoint, case when previous_secret_until > $3 then previous_secret end as previous_secret
        from audit.stream s
        where workspace_id = $1 and id = $2 and state in ('active', 'error') and (retry_at is null or retry_at <= $3)
        """;

    // The window ends the page by bytes, so that a thousand large events do not come at once; the first one always comes.
    private const string FindEvents = """
        select sequence, event_id, environment_id, action, outcome, occurred_at, recorded_at, body from (
            select *, sum(length(body)) over (order by sequence) as bytes from (
                select * from audit.event where workspace_id = $1 and sequence > $2 and sequence <= $5 order by sequence limit $3
            ) page
        ) measured where bytes <= $4 or sequence = $2 + 1 order by sequence
        """;

    private const string FindCheckpoints = """
        select c.size, c.root, c.made_at, c.body, k.id as key_id, k.key_type, k.public_key, c.signature
        from audit.checkpoint c join audit.signing_key k on k.id = c.key_id
        where c.workspace_id = $1 and c.size > $2 and c.size <= least($3, $5) order by c.size limit $4
        """;

    // Moves only from where the delivery began: a replica that has lost the lead moves nothing. What was accepted counts as delivered even
    // if somebody has paused the stream since; it stays paused.
    private const string Advance = """
        update audit.stream set delivered_through = $4, checkpoint_through = $5, failures = 0, retry_at = null,
            state = case state when 'error' then 'active' else state end, attempted_through = null, attempted_checkpoint = null,
            last_delivered_at = coalesce($6, last_delivered_at)
        where workspace_id = $1 and id = $2 and delivered_through = $3
        """;

    private const string Fail = """
        update audit.stream set state = 'error', failures = failures + 1, retry_at = $3, last_error = $4, last_error_at = $5,
            attempted_through = $7, attempted_checkpoint = $8
        where workspace_id = $1 and id = $2 and state in ('active', 'error') and version = $6
        """;

    public async Task<StreamState?> FindAsync(Guid workspaceId, Guid id, DateTimeOffset now, CancellationToken cancellationToken)
    {
        await using var batch = database.CreateBatch(AuditRoles.Streamer);
        batch.Add(Find, workspaceId, id, now.UtcDateTime);
        await using var reader = await batch.ReadAsync(cancellationToken);
        if (!await reader.ReadAsync(cancellationToken))
        {
            return null;
        }

        var secret = secrets.TryOpen((byte[])reader["secret"]);
        var previous = reader.IsDBNull("previous_secret") ? null : secrets.TryOpen((byte[])reader["previous_secret"]);
        var destination = new Destination(
            reader.GetString("address"),
            secret ?? "",
            previous,
            (string[])reader["tags"],
            Ids.Format("str", id),
            Ids.Format("wks", workspaceId)
        );
        return new StreamState(
            workspaceId,
            id,
            reader.GetString("type"),
            destination,
            secret is not null,
            new ActionFilter((string[])reader["actions"]),
            StreamScope.Read(reader),
            reader.GetInt64("delivered_through"),
            reader.GetInt64("checkpoint_through"),
            reader.GetInt32("failures"),
            reader.GetInt64("version"),
            reader.IsDBNull("attempted_through") ? null : reader.GetInt64("attempted_through"),
            reader.IsDBNull("attempted_checkpoint") ? null : reader.GetInt64("attempted_checkpoint")
        );
    }

    public async Task<List<OutgoingEvent>> FindEventsAsync(StreamState stream, int limit, int bytes, CancellationToken cancellationToken)
    {
        await using var batch = database.CreateBatch(AuditRoles.Streamer);
        batch.Add(FindEvents, stream.WorkspaceId, stream.DeliveredThrough, limit, (long)bytes, stream.AttemptedThrough ?? long.MaxValue);
        await using var reader = await batch.ReadAsync(cancellationToken);
        var events = new List<OutgoingEvent>();
        while (await reader.ReadAsync(cancellationToken))
        {
            events.Add(
                new OutgoingEvent(
                    reader.GetInt64("sequence"),
                    Ids.Format("evt", reader.GetGuid("event_id")),
                    reader.GetString("action"),
                    reader.GetString("outcome"),
                    reader.IsDBNull("environment_id") ? null : reader.GetGuid("environment_id"),
                    reader.GetFieldValue<DateTimeOffset>("occurred_at"),
                    reader.GetFieldValue<DateTimeOffset>("recorded_at"),
                    (byte[])reader["body"]
                )
            );
        }

        return events;
    }

    public async Task<List<OutgoingCheckpoint>> FindCheckpointsAsync(
        StreamState stream,
        long through,
        int limit,
        CancellationToken cancellationToken
    )
    {
        await using var batch = database.CreateBatch(AuditRoles.Streamer);
        batch.Add(
            FindCheckpoints,
            stream.WorkspaceId,
            stream.CheckpointThrough,
            through,
            limit,
            stream.AttemptedCheckpoint ?? long.MaxValue
        );
        await using var reader = await batch.ReadAsync(cancellationToken);
        var checkpoints = new List<OutgoingCheckpoint>();
        while (await reader.ReadAsync(cancellationToken))
        {
            checkpoints.Add(
                new OutgoingCheckpoint(
                    reader.GetInt64("size"),
                    (byte[])reader["root"],
                    reader.GetFieldValue<DateTimeOffset>("made_at"),
                    reader.GetString("body"),
                    reader.GetString("key_id"),
                    reader.GetString("key_type"),
                    (byte[])reader["public_key"],
                    (byte[])reader["signature"]
                )
            );
        }

        return checkpoints;
    }

    /// <summary>False when somebody else has moved the stream, or it was deleted.</summary>
    public async Task<bool> AdvanceAsync(
        StreamState stream,
        long through,
        long checkpointThrough,
        DateTimeOffset? deliveredAt,
        CancellationToken cancellationToken
    )
    {
        await using var batch = database.CreateBatch(AuditRoles.Streamer);
        batch.Add(
            Advance,
            stream.WorkspaceId,
            stream.Id,
            stream.DeliveredThrough,
            through,
            checkpointThrough,
            new NpgsqlParameter<DateTime?> { TypedValue = deliveredAt?.UtcDateTime, NpgsqlDbType = NpgsqlDbType.TimestampTz }
        );
        await batch.ExecuteNonQueryAsync(cancellationToken);
        return batch.BatchCommands[1].RecordsAffected == 1;
    }

    /// <param name="payload">What was sent; the next request holds the same. Null when nothing was.</param>
    public async Task FailAsync(
        StreamState stream,
        StreamPayload? payload,
        string error,
        DateTimeOffset now,
        DateTimeOffset retryAt,
        CancellationToken cancellationToken
    )
    {
        await using var batch = database.CreateBatch(AuditRoles.Streamer);
        batch.Add(
            Fail,
            stream.WorkspaceId,
            stream.Id,
            retryAt.UtcDateTime,
            error,
            now.UtcDateTime,
            stream.Version,
            Optional(payload?.Through),
            Optional(payload?.CheckpointThrough)
        );
        await batch.ExecuteNonQueryAsync(cancellationToken);
    }

    private static NpgsqlParameter<long?> Optional(long? value) => new() { TypedValue = value, NpgsqlDbType = NpgsqlDbType.Bigint };
}
