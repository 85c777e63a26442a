using StackExchange.Redis;

namespace Platform.Edge.SignIn;

/// <summary>Sealed answers in Redis. Losing them, or Redis, means that each edge gives its own callers one answer, and no others.</summary>
internal sealed partial class RedisAnswers(IServiceProvider services, TimeProvider time, ILogger<RedisAnswers> log) : ISharedAnswers
{
    // Longer than the realm is waited for.
    private static readonly TimeSpan _turn = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan _lookEvery = TimeSpan.FromMilliseconds(50);

    public async Task<Turn?> BeginAsync(string key)
    {
        try
        {
            var redis = Redis;
            while (true)
            {
                if (await redis.StringSetAsync(Key(key), RedisValue.EmptyString, _turn, When.NotExists))
                {
                    return new Turn(null);
                }

                // Empty: another edge is at it. Gone: it did not get an answer, and it is somebody else's turn.
                if (await redis.StringGetAsync(Key(key)) is { HasValue: true } kept && kept.Length() > 0)
                {
                    return new Turn(kept);
                }

                await Task.Delay(_lookEvery, time);
            }
        }
        catch (Exception exception) when (exception is RedisException or TimeoutException or ObjectDisposedException)
        {
            LogAway(exception.Message);
            return null;
        }
    }

    public async Task EndAsync(string key, byte[]? answer, TimeSpan keep)
    {
        try
        {
            if (answer is null)
            {
                await Redis.KeyDeleteAsync(Key(key));
            }
            else
            {
                await Redis.StringSetAsync(Key(key), answer, keep);
            }
        }
        catch (Exception exception) when (exception is RedisException or TimeoutException or ObjectDisposedException)
        {
            LogAway(exception.Message);
        }
    }

    // Asked for late: the first use connects, and Redis need not be there when the edge starts.
    private IDatabase Redis => services.GetRequiredService<IConnectionMultiplexer>().GetDatabase();

    private static RedisKey Key(string key) => $"refresh:{key}";

    [LoggerMessage(
        2501,
        LogLevel.Warning,
        "Redis cannot be reached; a refresh that comes twice has one answer at the same edge only: {Problem}"
    )]
    private partial void LogAway(string problem);
}
