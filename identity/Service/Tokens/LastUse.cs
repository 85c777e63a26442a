using System.Collections.Concurrent;
using Npgsql;
using NpgsqlTypes;
using Platform.ServiceDefaults.State;

namespace Platform.Identity.Service.Tokens;

/// <summary>When personal tokens were last used, to the minute. It is written every now and then, never while a caller waits.</summary>
internal sealed partial class LastUse(NpgsqlDataSource database, TimeProvider time, ILogger<LastUse> log) : BackgroundService
{
    private const string Update = """
        update identity.personal_token t set last_used_at = seen.at
        from unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) as seen(workspace_id, id, at)
        where t.workspace_id = seen.workspace_id and t.id = seen.id and (t.last_used_at is null or t.last_used_at < seen.at)
        """;

    private static readonly TimeSpan _every = TimeSpan.FromSeconds(20);

    private readonly ConcurrentDictionary<(Guid Workspace, Guid Token), DateTimeOffset> _seen = new();

    public void Seen(Guid workspace, Guid token) => _seen[(workspace, token)] = time.GetUtcNow();

    /// <summary>Writes what was seen since the last time.</summary>
    public async Task WriteAsync(CancellationToken cancellationToken)
    {
        var seen = _seen.ToArray();
        if (seen.Length == 0)
        {
            return;
        }

        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await connection.ExecuteAsync(new Statement("set local role identity_resolver"), cancellationToken);
        await connection.ExecuteAsync(new Statement(Update,
            Array.ConvertAll(seen, pair => pair.Key.Workspace), Array.ConvertAll(seen, pair => pair.Key.Token),
            new NpgsqlParameter { Value = Array.ConvertAll(seen, pair => pair.Value.UtcDateTime), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.TimestampTz }), cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        foreach (var pair in seen)
        {
            _seen.TryRemove(pair); // Only if it was not seen again meanwhile.
        }
    }

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

    [LoggerMessage(4021, LogLevel.Warning, "The last use of personal tokens could not be written; it is kept for the next try")]
    private partial void LogFailed(Exception exception);
}
