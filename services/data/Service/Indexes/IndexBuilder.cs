using Npgsql;
using Platform.Data.Service.Schemas;
using Platform.ServiceDefaults.State;

namespace Platform.Data.Service.Indexes;

/// <summary>Builds and drops indexes in the leader's session, and gives way to schema changes that wait for it.</summary>
internal sealed class IndexBuilder(NpgsqlDataSource database, TimeProvider time)
{
    /// <summary>The outcome of work that a schema change ended.</summary>
    public const string GaveWay = "a schema change of the table came in between";

    private const string IsAwaited = """
        select exists (select from pg_locks where locktype = 'advisory' and not granted and objsubid = 1
            and database = (select oid from pg_database where datname = current_database())
            and (classid::bigint << 32 | objid::bigint) = data.index_lock($1))
        """;

    private static readonly TimeSpan _look = TimeSpan.FromMilliseconds(200);

    /// <summary>The table's index lock; null while a schema change has it.</summary>
    public static async Task<Hold?> TryHoldAsync(LeaderSession session, Guid tableId, CancellationToken cancellationToken)
    {
        // The same name as in data.index_lock.
        var name = $"data.index:{tableId}";
        return await session.TryLeadAsync(name, cancellationToken) ? new Hold(session, tableId, name) : null;
    }

    /// <summary>Runs statements one by one, none in a transaction, as the role of the workspace.</summary>
    /// <returns>Null, or why they were not all run; what a broken-off statement left is there, and not valid.</returns>
    public async Task<string?> RunAsync(Hold hold, Guid workspaceId, IReadOnlyList<string> statements, CancellationToken cancellationToken)
    {
        using var giveWay = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var done = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var watch = WatchAsync(hold.TableId, giveWay, done.Token);
        var connection = hold.Session.Connection;
        try
        {
            // A build waits for transactions that began earlier. That blocks nobody, but it must end.
            await ExecuteAsync(connection, $"set role {TableSchema.RoleOf(workspaceId)}; set lock_timeout = '60s'", giveWay.Token);
            foreach (var statement in statements)
            {
                await ExecuteAsync(connection, statement, giveWay.Token);
            }

            return null;
        }
        catch (Exception exception)
            when (giveWay.IsCancellationRequested
                && !cancellationToken.IsCancellationRequested
                && exception is OperationCanceledException or PostgresException { SqlState: PostgresErrorCodes.QueryCanceled }
            )
        {
            return GaveWay;
        }
        catch (PostgresException exception) when (!cancellationToken.IsCancellationRequested && !IsFatal(exception))
        {
            return exception.SqlState + " " + exception.MessageText;
        }
        finally
        {
            await done.CancelAsync();
            await watch;
            if (connection.FullState == System.Data.ConnectionState.Open)
            {
                await ExecuteAsync(connection, $"reset lock_timeout; set role {IndexKeeper.Role}", CancellationToken.None);
            }
        }
    }

    /// <summary>Whether the session is lost with it, which says nothing about the work.</summary>
    public static bool IsFatal(PostgresException exception) => exception.InvariantSeverity is "FATAL" or "PANIC";

    private async Task WatchAsync(Guid tableId, CancellationTokenSource giveWay, CancellationToken done)
    {
        try
        {
            while (true)
            {
                await Task.Delay(_look, time, done);
                await using var look = database.CreateCommand(IsAwaited);
                look.Parameters.Add(new NpgsqlParameter { Value = tableId });
                if (await look.ExecuteScalarAsync(done) is true)
                {
                    await giveWay.CancelAsync();
                    return;
                }
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or NpgsqlException)
        {
            // The work is done, or the look failed: then a schema change waits until its own time-out at most.
        }
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>The table's index lock, as long as it lasts.</summary>
    public sealed class Hold(LeaderSession session, Guid tableId, string name) : IAsyncDisposable
    {
        public LeaderSession Session => session;

        public Guid TableId => tableId;

        public async ValueTask DisposeAsync()
        {
            if (session.Connection.FullState == System.Data.ConnectionState.Open)
            {
                await session.ReleaseAsync(name, CancellationToken.None);
            }
        }
    }
}
