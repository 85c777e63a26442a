using Npgsql;
using Platform.Audit.Service.Log;

namespace Platform.Audit.Service.Streams;

/// <summary>
/// Runs the streams of all workspaces. A stream has one leader among the replicas, by an advisory lock that this session holds; a stream
/// that was stopped, or lost with the session, is cancelled at the next look, which is well under a second later.
/// </summary>
internal sealed partial class StreamSupervisor(
    NpgsqlDataSource database, StreamDelivery delivery, LogSignal appended, TimeProvider time, ILogger<StreamSupervisor> log)
    : BackgroundService
{
    private const string Look = """
        select s.workspace_id, s.id, s.retry_at,
            t.size > s.delivered_through or t.checkpointed > s.checkpoint_through
        from audit.stream s join audit.tree t on t.workspace_id = s.workspace_id where s.state in ('active', 'error')
        """;

    private const string Lead = "select pg_try_advisory_lock(hashtextextended($1, 0))";

    private const string Release = "select pg_advisory_unlock(hashtextextended($1, 0))";

    private static readonly TimeSpan _look = TimeSpan.FromMilliseconds(250);

    private readonly Dictionary<Guid, Running> _running = [];

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await LeadAsync(stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                LogInterrupted(exception);
            }

            await Task.Delay(TimeSpan.FromSeconds(1), time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task LeadAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        try
        {
            await ExecuteAsync(connection, $"set role {AuditRoles.Streamer}", cancellationToken);
            while (true)
            {
                await LookAsync(connection, cancellationToken);
                await appended.WaitAsync(_look, cancellationToken);
            }
        }
        finally
        {
            await Task.WhenAll(_running.Values.Select(running => running.StopAsync()));
            _running.Clear();
            if (connection.FullState == System.Data.ConnectionState.Open)
            {
                await ExecuteAsync(connection, "reset role; select pg_advisory_unlock_all()", CancellationToken.None);
            }
        }
    }

    private async Task LookAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var streams = await ReadAsync(connection, cancellationToken);
        foreach (var id in _running.Keys.Where(id => streams.TrueForAll(stream => stream.Id != id)).ToList())
        {
            _running.Remove(id, out var gone);
            await gone!.StopAsync();
            await ScalarAsync(connection, Release, id, cancellationToken);
        }

        var now = time.GetUtcNow();
        foreach (var (workspaceId, id, retryAt, hasWork) in streams)
        {
            if (!hasWork || retryAt > now)
            {
                continue;
            }

            if (!_running.TryGetValue(id, out var running))
            {
                if (!await ScalarAsync(connection, Lead, id, cancellationToken))
                {
                    continue;
                }

                _running.Add(id, running = new Running());
            }

            running.StartUnlessBusy(stop => DeliverAsync(workspaceId, id, stop));
        }
    }

    private async Task DeliverAsync(Guid workspaceId, Guid id, CancellationToken cancellationToken)
    {
        try
        {
            await delivery.RunAsync(workspaceId, id, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Stopped; the cursor stays where it is.
        }
        catch (Exception exception)
        {
            LogDeliveryFailed(exception, id);
            await Task.Delay(TimeSpan.FromSeconds(1), time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static async Task<List<(Guid WorkspaceId, Guid Id, DateTimeOffset? RetryAt, bool HasWork)>> ReadAsync(
        NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var look = new NpgsqlCommand(Look, connection);
        await using var reader = await look.ExecuteReaderAsync(cancellationToken);
        var streams = new List<(Guid, Guid, DateTimeOffset?, bool)>();
        while (await reader.ReadAsync(cancellationToken))
        {
            var retryAt = reader.IsDBNull(2) ? (DateTimeOffset?)null : reader.GetFieldValue<DateTimeOffset>(2);
            streams.Add((reader.GetGuid(0), reader.GetGuid(1), retryAt, reader.GetBoolean(3)));
        }

        return streams;
    }

    private static async Task<bool> ScalarAsync(NpgsqlConnection connection, string sql, Guid id, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection) { Parameters = { new() { Value = $"platform.audit.stream.{id}" } } };
        return await command.ExecuteScalarAsync(cancellationToken) is true;
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    [LoggerMessage(4201, LogLevel.Warning, "The streams were interrupted; they go on in a second")]
    private partial void LogInterrupted(Exception exception);

    [LoggerMessage(4202, LogLevel.Error, "Delivering the stream {Stream} failed unexpectedly")]
    private partial void LogDeliveryFailed(Exception exception, Guid stream);

    // A stream that this process leads, and its delivery when one is under way.
    private sealed class Running : IDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private Task _delivery = Task.CompletedTask;

        public void StartUnlessBusy(Func<CancellationToken, Task> deliver)
        {
            if (_delivery.IsCompleted)
            {
                _delivery = Task.Run(() => deliver(_stop.Token));
            }
        }

        public async Task StopAsync()
        {
            await _stop.CancelAsync();
            await _delivery;
            Dispose();
        }

        public void Dispose() => _stop.Dispose();
    }
}
