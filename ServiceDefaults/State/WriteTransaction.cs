using System.Diagnostics;
using System.Text.Json;
using Npgsql;
using NpgsqlTypes;
using Platform.Contracts;
using Platform.ServiceDefaults.Calls;

namespace Platform.ServiceDefaults.State;

/// <summary>One change under way. It ends with the body that got it: committed when that returns, rolled back when it throws.</summary>
public sealed class WriteTransaction
{
    private const string InsertOutbox = """
        insert into platform.outbox (event_id, workspace_id, environment_id, occurred_at, envelope)
        select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::timestamptz[], $5::text[])
            as e(event_id, workspace_id, environment_id, occurred_at, envelope)
        """;

    private readonly NpgsqlConnection _connection;
    private readonly ServiceIdentity _service;
    private readonly Confirmations _confirmations;
    private readonly List<EventEnvelope> _events = [];
    private IReadOnlyList<Statement> _entry = [];
    private int _skippedResults;

    internal WriteTransaction(
        Call call,
        NpgsqlConnection connection,
        ServiceIdentity service,
        Confirmations confirmations,
        TimeProvider time,
        CancellationToken cancellationToken
    )
    {
        Call = call;
        _connection = connection;
        _service = service;
        _confirmations = confirmations;
        // PostgreSQL keeps microseconds: an answer made from this shows what a later read will.
        var now = time.GetUtcNow();
        Now = now.AddTicks(-(now.Ticks % TimeSpan.TicksPerMicrosecond));
        Cancellation = cancellationToken;
    }

    public Call Call { get; }

    /// <summary>One instant for all that this change writes.</summary>
    public DateTimeOffset Now { get; }

    public CancellationToken Cancellation { get; }

    internal bool HasEvents => _events.Count > 0;

#pragma warning disable CA1822 // Reads as part of the transaction where an event is made.
    public Guid NewEventId() => Ids.New();
#pragma warning restore CA1822

    public async Task<int> ExecuteAsync(string sql, params IReadOnlyList<object?> arguments)
    {
        await using var batch = Batch(new Statement(sql, arguments));
        await batch.ExecuteNonQueryAsync(Cancellation);
        return (int)batch.BatchCommands[^1].RecordsAffected;
    }

    /// <summary>The first row, mapped, or null when there is none.</summary>
    public async Task<T?> QueryOneAsync<T>(string sql, Func<NpgsqlDataReader, T> map, params IReadOnlyList<object?> arguments)
        where T : class
    {
        await using var batch = Batch(new Statement(sql, arguments));
        await using var reader = await ReadAsync(batch);
        return await reader.ReadAsync(Cancellation) ? map(reader) : null;
    }

    public async Task<List<T>> QueryAsync<T>(string sql, Func<NpgsqlDataReader, T> map, params IReadOnlyList<object?> arguments)
    {
        await using var batch = Batch(new Statement(sql, arguments));
        await using var reader = await ReadAsync(batch);
        var rows = new List<T>();
        while (await reader.ReadAsync(Cancellation))
        {
            rows.Add(map(reader));
        }

        return rows;
    }

    /// <summary>The first column of the first row; default when there is none or it is null.</summary>
    public async Task<T?> ScalarAsync<T>(string sql, params IReadOnlyList<object?> arguments)
    {
        await using var batch = Batch(new Statement(sql, arguments));
        await using var reader = await ReadAsync(batch);
        return await reader.ReadAsync(Cancellation) && reader.GetValue(0) is T value ? value : default;
    }

    /// <summary>Runs several statements in one round trip; the reader stands on the first result, <c>NextResultAsync</c> goes on.</summary>
    public async Task<T> BatchAsync<T>(Func<NpgsqlDataReader, Task<T>> read, params IReadOnlyList<Statement> statements)
    {
        await using var batch = Batch(statements);
        await using var reader = await ReadAsync(batch);
        var answer = await read(reader);
        while (await reader.NextResultAsync(Cancellation))
        {
            // An error of a later statement shows only when its result is asked for.
        }

        return answer;
    }

    /// <summary>Enters another role or other settings for the rest of the transaction.</summary>
    public Task EnterAsync(SessionSettings settings)
    {
        var statement = settings.ToStatement(Call);
        return ExecuteAsync(statement.Sql, statement.Arguments);
    }

    /// <summary>Back to the service's own role, for its fixed tables.</summary>
    public Task LeaveRoleAsync() => ExecuteAsync("set local role none");

    /// <summary>
    /// Records an event. It is the audit record of the change, and is sent once the change has committed. The action comes from the tool's
    /// contract.
    /// </summary>
    public void Announce<T>(T happened, params IReadOnlyList<Target> targets)
        where T : IEvent =>
        Announce(
            happened,
            Call.Definition?.Options.Audit
                ?? throw new InvalidOperationException($"{typeof(T).Name} needs an action: this call is not a tool."),
            targets
        );

    /// <summary>The same with an action of its own, for what is not a tool or does several things.</summary>
    public void Announce<T>(T happened, string action, params IReadOnlyList<Target> targets)
        where T : IEvent => Announce(happened, action, null, targets);

    /// <summary>Records that something was refused, with the reason. It changed nothing.</summary>
    public void AnnounceRefusal<T>(T happened, string action, string reason, params IReadOnlyList<Target> targets)
        where T : IEvent => Announce(happened, action, reason, targets);

    private void Announce<T>(T happened, string action, string? refusal, IReadOnlyList<Target> targets)
        where T : IEvent =>
        _events.Add(
            new EventEnvelope(
                happened.EventId,
                happened.WorkspaceId,
                Call.IsOfWorkspace ? null : Call.EnvironmentId,
                happened.OccurredAt,
                _service.Name,
                typeof(T).Name,
                action,
                Call.Actor,
                new CallInfo(
                    Call.CallId,
                    Call.Tool,
                    Call.Task,
                    Activity.Current?.Id,
                    [.. Call.Caller.Permissions.Order(StringComparer.Ordinal)],
                    Call.IsOfWorkspace ? null : Call.Caller.EnvironmentKind
                ),
                targets,
                JsonSerializer.SerializeToElement(happened, EventJson.Options),
                refusal
            )
        );

    /// <summary>
    /// Passes when the call carries a confirmation of exactly this: this caller, this tool, these arguments, this state. Otherwise the call
    /// ends here, and the caller gets the preview with a confirmation for the next try. Call it under the locks of the deletion.
    /// </summary>
    /// <param name="fingerprint">Changes whenever what would be destroyed changes, such as versions and counts.</param>
    /// <param name="preview">What would be destroyed, with counts; written as JSON.</param>
    public Task ConfirmAsync(string fingerprint, object preview) => _confirmations.ConfirmAsync(this, fingerprint, preview);

    /// <summary>What travels with the first statement of the transaction, so that it costs no round trip of its own.</summary>
    internal void EnterWithFirstStatement(params IReadOnlyList<Statement> entry) => _entry = entry;

    /// <summary>Commits with the events and the idempotency record, in one round trip.</summary>
    internal async Task CommitAsync(NpgsqlTransaction transaction, Statement? idempotency)
    {
        if (_events.Count == 0 && idempotency is null)
        {
            await transaction.CommitAsync(Cancellation);
            return;
        }

        await using var batch = Batch(new Statement("set local role none"));
        if (idempotency is { } record)
        {
            batch.BatchCommands.Add(record.ToBatchCommand());
        }

        if (_events.Count > 0)
        {
            batch.BatchCommands.Add(
                new Statement(
                    InsertOutbox,
                    _events.ConvertAll(happened => happened.EventId).ToArray(),
                    _events.ConvertAll(happened => happened.WorkspaceId).ToArray(),
                    _events.ConvertAll(happened => happened.EnvironmentId).ToArray(),
                    _events.ConvertAll(happened => happened.OccurredAt.UtcDateTime).ToArray(),
                    new NpgsqlParameter
                    {
                        Value = _events.ConvertAll(happened => JsonSerializer.Serialize(happened, EventJson.Options)).ToArray(),
                        NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text,
                    }
                ).ToBatchCommand()
            );
        }

        if (_events.Count > 0 && Call.Definition is not null)
        {
            batch.BatchCommands.Add(Journal.Insert(_events).ToBatchCommand());
        }

        batch.BatchCommands.Add(new NpgsqlBatchCommand("commit"));
        await batch.ExecuteNonQueryAsync(Cancellation);
    }

    private NpgsqlBatch Batch(params IReadOnlyList<Statement> statements)
    {
        var batch = new NpgsqlBatch(_connection);
        foreach (var statement in _entry.Concat(statements))
        {
            batch.BatchCommands.Add(statement.ToBatchCommand());
        }

        (_entry, _skippedResults) = ([], _entry.Count);
        return batch;
    }

    private async Task<NpgsqlDataReader> ReadAsync(NpgsqlBatch batch)
    {
        var reader = await batch.ExecuteReaderAsync(Cancellation);
        for (var i = 0; i < _skippedResults; i++)
        {
            await reader.NextResultAsync(Cancellation);
        }

        return reader;
    }
}
