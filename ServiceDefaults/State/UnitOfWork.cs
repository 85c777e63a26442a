using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Npgsql;
using Platform.Contracts;
using Platform.Contracts.Catalogue;
using Platform.ServiceDefaults.Calls;

namespace Platform.ServiceDefaults.State;

/// <summary>
/// How services read and write: under row-level security for the call's workspace and environment; a change, its events and its
/// idempotency record in one transaction.
/// </summary>
public sealed class UnitOfWork(
    NpgsqlDataSource database,
    ServiceIdentity service,
    Confirmations confirmations,
    OutboxSignal outbox,
    TimeProvider time,
    ToolCatalogue? tools = null
)
{
    // A service that keeps no tasks cannot tell whether there is one.
    private readonly bool _keepsTasks = tools?.TryGetTool("begin_task", out _) == true;

    /// <summary>Runs one query in one round trip.</summary>
    public Task<T> ReadAsync<T>(
        ServerCallContext context,
        string sql,
        IReadOnlyList<object?> arguments,
        Func<NpgsqlDataReader, Task<T>> read
    ) => ReadAsync(context.Call(), SessionSettings.Default, read, context.CancellationToken, new Statement(sql, arguments));

    /// <summary>Runs several queries in one round trip; the reader stands on the first result, <c>NextResultAsync</c> goes on.</summary>
    public Task<T> ReadAsync<T>(
        Call call,
        SessionSettings settings,
        Func<NpgsqlDataReader, Task<T>> read,
        CancellationToken cancellationToken,
        params IReadOnlyList<Statement> statements
    ) =>
        Transient.RepeatAsync(
            async () =>
            {
                // Commands of one batch share an implicit transaction, in which the settings hold and after which they are gone.
                await using var batch = database.CreateBatch();
                batch.BatchCommands.Add(settings.ToStatement(call).ToBatchCommand());
                foreach (var statement in statements)
                {
                    batch.BatchCommands.Add(statement.ToBatchCommand());
                }

                await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
                await reader.NextResultAsync(cancellationToken);
                return await read(reader);
            },
            time,
            cancellationToken
        );

    /// <summary>
    /// Runs a change. It commits with its events and its idempotency record, or not at all; a dry run never commits. The answer of an
    /// earlier call with the same idempotency key comes back without acting.
    /// </summary>
    public async Task<T> WriteAsync<T>(ServerCallContext context, Func<WriteTransaction, Task<T>> body, SessionSettings? settings = null)
        where T : class, IMessage<T>, new()
    {
        var done = await EndAsync(context.Call(), body, settings ?? SessionSettings.Default, context.CancellationToken);
        context.ResponseTrailers.Add(CallMetadata.Outcome, done.Outcome);
        if (done.Repeats is { } repeats)
        {
            context.ResponseTrailers.Add(CallMetadata.Repeats, repeats);
        }

        return done.Answer;
    }

    /// <summary>The same for callers that are not gRPC: HTTP endpoints and workers.</summary>
    public async Task<(T Answer, string Outcome)> WriteAsync<T>(
        Call call,
        Func<WriteTransaction, Task<T>> body,
        SessionSettings settings,
        CancellationToken cancellationToken
    )
        where T : class, IMessage<T>, new()
    {
        var done = await EndAsync(call, body, settings, cancellationToken);
        return (done.Answer, done.Outcome);
    }

    /// <summary>The same for a change that answers nothing.</summary>
    public async Task WriteAsync(ServerCallContext context, Func<WriteTransaction, Task> body, SessionSettings? settings = null) =>
        await WriteAsync(context, Answering(body), settings);

    /// <summary>The same for a change that answers nothing, by callers that are not gRPC. Returns the outcome.</summary>
    public async Task<string> WriteAsync(
        Call call,
        Func<WriteTransaction, Task> body,
        SessionSettings settings,
        CancellationToken cancellationToken
    ) => (await WriteAsync(call, Answering(body), settings, cancellationToken)).Outcome;

    private static Func<WriteTransaction, Task<Empty>> Answering(Func<WriteTransaction, Task> body) =>
        async unit =>
        {
            await body(unit);
            return new Empty();
        };

    private Task<Attempt<T>> EndAsync<T>(
        Call call,
        Func<WriteTransaction, Task<T>> body,
        SessionSettings settings,
        CancellationToken cancellationToken
    )
        where T : class, IMessage<T>, new() =>
        Transient.RepeatAsync(() => AttemptAsync(call, body, settings, cancellationToken), time, cancellationToken);

    private async Task<Attempt<T>> AttemptAsync<T>(
        Call call,
        Func<WriteTransaction, Task<T>> body,
        SessionSettings settings,
        CancellationToken cancellationToken
    )
        where T : class, IMessage<T>, new()
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var unit = new WriteTransaction(call, connection, service, confirmations, time, cancellationToken);
        if (call.Declined is not null)
        {
            unit.EnterWithFirstStatement([SessionSettings.Default.ToStatement(call)]);
            await confirmations.DeclineAsync(unit);
            await unit.CommitAsync(transaction, null);
            throw Problem.Conflict(Reasons.NotConfirmed, "The user did not agree.", "Nothing was changed.");
        }

        var enter = settings.ToStatement(call);
        unit.EnterWithFirstStatement(_keepsTasks ? [enter, .. Journal.Begin(call)] : [enter]);

        var digest = call.IdempotencyKey is null ? null : call.Digest();
        if (digest is not null && !call.DryRun && await Idempotency.ClaimAsync(unit, digest) is { } stored)
        {
            return new(new T().Parse(stored.Answer), Outcomes.Replayed, stored.CallId);
        }

        var made = call.DryRun ? Ids.Watch() : null;
        var answer = await body(unit);
        if (made is not null)
        {
            DryRunAnswer.RemoveIds(answer, made);
            return new(answer, Outcomes.Previewed);
        }

        // The outbox rows come last, so that a change that waited for a row locked by this one announces its events after this one.
        try
        {
            await unit.CommitAsync(transaction, digest is null ? null : Idempotency.Store(call, answer.ToByteArray()));
        }
        catch (NpgsqlException exception) when (!IsRefusal(exception))
        {
            throw Problem.Of(StatusCode.Unavailable, Problem.OutcomeUnknown(call.CallId, call.IdempotencyKey is not null));
        }

        if (unit.HasEvents)
        {
            outbox.Set();
        }

        return new(answer, unit.HasEvents ? Outcomes.Committed : Outcomes.Unchanged);
    }

    /// <summary>How an attempt ended.</summary>
    /// <param name="Repeats">The call that got the answer first, where it is given again.</param>
    private sealed record Attempt<T>(T Answer, string Outcome, string? Repeats = null);

    // What the server answered to the commit itself: nothing was kept. A session that ended meanwhile (class 57P) answers nothing.
    private static bool IsRefusal(NpgsqlException exception) =>
        exception is PostgresException { SqlState: var state } && !state.StartsWith("57P", StringComparison.Ordinal);
}

internal static class MessageParsing
{
    public static T Parse<T>(this T message, byte[] bytes)
        where T : IMessage<T>
    {
        message.MergeFrom(bytes);
        return message;
    }
}
