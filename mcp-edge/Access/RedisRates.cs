using StackExchange.Redis;

namespace Platform.Edge.Access;

/// <summary>Counts of a window, added up in Redis. They live for a few windows; losing them loosens a limit for as long.</summary>
internal sealed partial class RedisRates(IServiceProvider services, ILogger<RedisRates> log) : ISharedRates
{
    private bool _isAway;

    public async Task<IReadOnlyList<long>?> AddAsync(IReadOnlyList<(string Key, long Window, int Count, TimeSpan Lifetime)> counts)
    {
        try
        {
            // Asked for here and not in the constructor: the first use connects, and Redis need not be there when the edge starts.
            var batch = services.GetRequiredService<IConnectionMultiplexer>().GetDatabase().CreateBatch();
            var totals = new Task<long>[counts.Count];
            var expiries = new Task[counts.Count];
            for (var i = 0; i < counts.Count; i++)
            {
                RedisKey key = $"{counts[i].Key}:{counts[i].Window}";
                totals[i] = batch.StringIncrementAsync(key, counts[i].Count);
                expiries[i] = batch.KeyExpireAsync(key, counts[i].Lifetime);
            }
            batch.Execute();
            await Task.WhenAll(expiries);
            var answer = await Task.WhenAll(totals);
            _isAway = false;
            return answer;
        }
        catch (Exception exception) when (exception is RedisException or TimeoutException or ObjectDisposedException)
        {
            if (!_isAway)
            {
                LogAway(exception);
            }

            _isAway = true;
            return null;
        }
    }

    [LoggerMessage(2401, LogLevel.Warning, "Redis cannot be reached; rate limits are local until it is back")]
    private partial void LogAway(Exception exception);
}
