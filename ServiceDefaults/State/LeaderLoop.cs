using Npgsql;

namespace Platform.ServiceDefaults.State;

/// <summary>
/// A session of the service's database in which a worker leads: it has entered a role, and the advisory locks that it takes are lost with
/// it.
/// </summary>
public sealed class LeaderSession
{
    private const string Take = "select pg_try_advisory_lock(hashtextextended($1, 0))";

    private const string Give = "select pg_advisory_unlock(hashtextextended($1, 0))";

    internal LeaderSession(NpgsqlConnection connection) => Connection = connection;

    /// <summary>Work on another connection can go on after the lead is lost. Work that must not go on uses this connection.</summary>
    public NpgsqlConnection Connection { get; }

    /// <summary>False while another session leads under this name.</summary>
    public Task<bool> TryLeadAsync(string name, CancellationToken cancellationToken) => AskAsync(Take, name, cancellationToken);

    public Task ReleaseAsync(string name, CancellationToken cancellationToken) => AskAsync(Give, name, cancellationToken);

    internal async Task ExecuteAsync(string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, Connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private async Task<bool> AskAsync(string sql, string name, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, Connection) { Parameters = { new() { Value = name } } };
        return await command.ExecuteScalarAsync(cancellationToken) is true;
    }
}

/// <summary>
/// Runs work that one replica does at a time. The other replicas try again every second, so that one of them takes over within about a
/// second after the leader's session has ended, however it ended.
/// </summary>
public sealed partial class LeaderLoop(NpgsqlDataSource database, TimeProvider time, ILogger<LeaderLoop> log)
{
    private static readonly TimeSpan _again = TimeSpan.FromSeconds(1);

    /// <summary>Runs <paramref name="work"/> whenever this process leads under <paramref name="name"/>, until it is stopped.</summary>
    /// <param name="role">Entered for the session.</param>
    public Task RunAsync(string name, string role, Func<LeaderSession, CancellationToken, Task> work, CancellationToken stop) =>
        RunSessionsAsync(
            name,
            role,
            async (session, cancellationToken) =>
            {
                if (await session.TryLeadAsync(name, cancellationToken))
                {
                    LogLeading(name);
                    await work(session, cancellationToken);
                }
            },
            stop
        );

    /// <summary>The same for work that takes the lead of several things one by one.</summary>
    public async Task RunSessionsAsync(string name, string role, Func<LeaderSession, CancellationToken, Task> work, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await RunSessionAsync(role, work, stop);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                LogInterrupted(exception, name);
            }

            await Task.Delay(_again, time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task RunSessionAsync(string role, Func<LeaderSession, CancellationToken, Task> work, CancellationToken stop)
    {
        // The session must not go back to the pool with a role or a lock on it.
        await using var connection = await database.OpenConnectionAsync(stop);
        var session = new LeaderSession(connection);
        try
        {
            await session.ExecuteAsync($"set role {role}", stop);
            await work(session, stop);
        }
        finally
        {
            if (connection.FullState == System.Data.ConnectionState.Open)
            {
                await session.ExecuteAsync("reset role; select pg_advisory_unlock_all()", CancellationToken.None);
            }
        }
    }

    [LoggerMessage(1101, LogLevel.Information, "Leading {Name}")]
    private partial void LogLeading(string name);

    [LoggerMessage(1102, LogLevel.Warning, "{Name} was interrupted; it goes on in a second")]
    private partial void LogInterrupted(Exception exception, string name);
}
