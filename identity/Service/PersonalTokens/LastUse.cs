using System.Collections.Concurrent;
using Npgsql;
using NpgsqlTypes;
using Platform.Identity.Service.State;
using Platform.ServiceDefaults.State;

namespace Platform.Identity.Service.PersonalTokens;

/// <summary>
/// When personal tokens and connected apps were last used, to the minute: written once a minute for all of them, never while a caller
/// waits.
/// </summary>
internal sealed partial class LastUse(NpgsqlDataSource database, TimeProvider time, ILogger<LastUse> log) : BackgroundService
{
    private const string Update = """
        update identity.personal_token t set last_used_at = seen.at
        from unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) as seen(workspace_id, id, at)
        where t.workspace_id = seen.workspace_id and t.id = seen.id and (t.last_used_at is null or t.last_used_at < seen.at)
        """;

    // Sorted: replicas that write at once lock rows in one order.
    private const string UpdateApps = """
        insert into identity.connected_app (workspace_id, member_id, client_id, first_used_at, last_used_at)
        select seen.workspace_id, seen.member_id, seen.client_id, seen.at, seen.at
        from unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[]) as seen(workspace_id, member_id, client_id, at) order by 1, 2, 3
        on conflict (workspace_id, member_id, client_id) do update
            set last_used_at = greatest(connected_app.last_used_at, excluded.last_used_at)
        """;

    private const string UpdateClients = """
        update identity.registered_client c set last_used_at = seen.at
        from (select client_id, max(at) as at from unnest($1::text[], $2::timestamptz[]) as used(client_id, at) group by 1 order by 1) seen
        where c.client_id = seen.client_id and (c.last_used_at is null or c.last_used_at < seen.at)
        """;

    private static readonly TimeSpan _every = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<(Guid Workspace, Guid Token), DateTimeOffset> _seen = new();
    private readonly ConcurrentDictionary<(Guid Workspace, Guid Member, string Client), DateTimeOffset> _seenApps = new();

    public void Seen(Guid workspace, Guid token) => _seen[(workspace, token)] = time.GetUtcNow();

    public void SeenApp(Guid workspace, Guid member, string client) => _seenApps[(workspace, member, client)] = time.GetUtcNow();

    /// <summary>An app that was disconnected is not written down again.</summary>
    public void ForgetApp(Guid workspace, Guid member, string client) => _seenApps.TryRemove((workspace, member, client), out _);

    /// <summary>Writes what was seen since the last time.</summary>
    public async Task WriteAsync(CancellationToken cancellationToken)
    {
        var seen = _seen.ToArray();
        var apps = _seenApps.ToArray();
        if (seen.Length + apps.Length == 0)
        {
            return;
        }

        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await connection.ExecuteAsync(new Statement("set local role identity_resolver"), cancellationToken);
        await connection.ExecuteAsync(
            new Statement(
                Update,
                Array.ConvertAll(seen, pair => pair.Key.Workspace),
                Array.ConvertAll(seen, pair => pair.Key.Token),
                Times(Array.ConvertAll(seen, pair => pair.Value))
            ),
            cancellationToken
        );
        await connection.ExecuteAsync(
            new Statement(
                UpdateApps,
                Array.ConvertAll(apps, pair => pair.Key.Workspace),
                Array.ConvertAll(apps, pair => pair.Key.Member),
                Array.ConvertAll(apps, pair => pair.Key.Client),
                Times(Array.ConvertAll(apps, pair => pair.Value))
            ),
            cancellationToken
        );
        await connection.ExecuteAsync(
            new Statement(
                UpdateClients,
                Array.ConvertAll(apps, pair => pair.Key.Client),
                Times(Array.ConvertAll(apps, pair => pair.Value))
            ),
            cancellationToken
        );
        await transaction.CommitAsync(cancellationToken);
        foreach (var pair in seen)
        {
            _seen.TryRemove(pair); // Only if it was not seen again meanwhile.
        }

        foreach (var pair in apps)
        {
            _seenApps.TryRemove(pair);
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        try
        {
            await WriteAsync(cancellationToken);
        }
        catch (Exception exception) when (exception is NpgsqlException or OperationCanceledException)
        {
            LogFailed(exception);
        }
    }

    private static NpgsqlParameter Times(DateTimeOffset[] times) =>
        new() { Value = Array.ConvertAll(times, at => at.UtcDateTime), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.TimestampTz };

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(_every);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await WriteAsync(stoppingToken);
            }
            catch (NpgsqlException exception)
            {
                LogFailed(exception);
            }
        }
    }

    [LoggerMessage(4021, LogLevel.Warning, "The last use of tokens and apps could not be written; it is kept for the next try")]
    private partial void LogFailed(Exception exception);
}
