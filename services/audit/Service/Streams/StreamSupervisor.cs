using System.Data;
using Npgsql;
using Platform.Audit.Service.Log;
using Platform.ServiceDefaults.State;

namespace Platform.Audit.Service.Streams;

/// <summary>
/// Runs the streams of all workspaces. A stream has one leader among the replicas, by an advisory lock that this session holds. A stream
/// that was deleted, or lost with the session, is cancelled at the next look, well under a second later. A stream that was paused, or whose
/// replica is stopping, finishes the request under way: if it were cut off, nobody would know whether the destination accepted it, and it
/// would be sent again.
/// </summary>
internal sealed partial class StreamSupervisor(
    LeaderLoop leader,
    StreamDelivery delivery,
    LogSignal appended,
    TimeProvider time,
    ILogger<StreamSupervisor> log
) : BackgroundService
{
    private const string Look = """
        select s.workspace_id, s.id, s.retry_at,
            s.state in ('active', 'error') and (t.size > s.delivered_through or t.checkpointed > s.checkpoint_through) as has_work
        from audit.stream s join audit.tree t on t.workspace_id = s.workspace_id
        """;

    private static readonly TimeSpan _look = TimeSpan.FromMilliseconds(250);

    private readonly Dictionary<Guid, Running> _running = [];

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        leader.RunSessionsAsync("platform.audit.streams", AuditRoles.Streamer, SuperviseAsync, stoppingToken);

    private async Task SuperviseAsync(LeaderSession session, CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                await LookAsync(session, cancellationToken);
                await appended.WaitAsync(_look, cancellationToken);
            }
        }
        finally
        {
            // Before the session gives its locks back; when it was lost, another replica may have them already.
            await Task.WhenAll(
                _running.Values.Select(running => cancellationToken.IsCancellationRequested ? running.FinishAsync() : running.StopAsync())
            );
            _running.Clear();
        }
    }

    private async Task LookAsync(LeaderSession session, CancellationToken cancellationToken)
    {
        var streams = await ReadAsync(session.Connection, cancellationToken);
        foreach (var id in _running.Keys.Where(id => streams.TrueForAll(stream => stream.Id != id)).ToList())
        {
            _running.Remove(id, out var gone);
            await gone!.StopAsync();
            await session.ReleaseAsync(NameOf(id), cancellationToken);
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
                if (!await session.TryLeadAsync(NameOf(id), cancellationToken))
                {
                    continue;
                }

                _running.Add(id, running = new Running());
            }

            running.StartUnlessBusy(stop => DeliverAsync(workspaceId, id, cancellationToken, stop));
        }
    }

    private async Task DeliverAsync(Guid workspaceId, Guid id, CancellationToken ending, CancellationToken cancellationToken)
    {
        try
        {
            await delivery.RunAsync(workspaceId, id, ending, cancellationToken);
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
        NpgsqlConnection connection,
        CancellationToken cancellationToken
    )
    {
        await using var look = new NpgsqlCommand(Look, connection);
        await using var reader = await look.ExecuteReaderAsync(cancellationToken);
        var streams = new List<(Guid, Guid, DateTimeOffset?, bool)>();
        while (await reader.ReadAsync(cancellationToken))
        {
            var retryAt = reader.IsDBNull("retry_at") ? (DateTimeOffset?)null : reader.GetFieldValue<DateTimeOffset>("retry_at");
            streams.Add((reader.GetGuid("workspace_id"), reader.GetGuid("id"), retryAt, reader.GetBoolean("has_work")));
        }

        return streams;
    }

    private static string NameOf(Guid id) => $"platform.audit.stream.{id}";

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
            await FinishAsync();
        }

        public async Task FinishAsync()
        {
            await _delivery;
            Dispose();
        }

        public void Dispose() => _stop.Dispose();
    }
}
