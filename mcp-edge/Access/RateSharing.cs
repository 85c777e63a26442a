namespace Platform.Edge.Access;

/// <summary>Exchanges rate counts with the other edges ten times a second, where there is a way to, and lets old ones go.</summary>
internal sealed class RateSharing(RateLimiter limiter, TimeProvider time, ISharedRates? shared = null) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100), time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            await limiter.ShareAsync(shared);
        }
    }
}
