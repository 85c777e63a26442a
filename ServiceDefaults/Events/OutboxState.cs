using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Platform.ServiceDefaults.Events;

/// <summary>
/// Whether the broker takes what this process relays. The bus itself does not notice while it only publishes. A process that does not lead
/// the relay knows nothing of it, and calls itself healthy.
/// </summary>
internal sealed class OutboxState(TimeProvider time) : IHealthCheck
{
    private static readonly TimeSpan _usual = TimeSpan.FromSeconds(2);

    // The relay tries again within a few seconds, unless another process has taken the lead.
    private static readonly TimeSpan _leads = TimeSpan.FromSeconds(30);

    private readonly Lock _lock = new();
    private DateTimeOffset? _waitingSince;
    private DateTimeOffset _triedAt;

    public void Trying()
    {
        lock (_lock)
        {
            _triedAt = time.GetUtcNow();
            _waitingSince ??= _triedAt;
        }
    }

    public void Confirmed()
    {
        lock (_lock)
        {
            _waitingSince = null;
        }
    }

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        lock (_lock)
        {
            var now = time.GetUtcNow();
            return Task.FromResult(
                _waitingSince is { } since && now - since > _usual && now - _triedAt < _leads
                    ? HealthCheckResult.Degraded(
                        $"The broker has taken no event for {(now - since).TotalSeconds:0} s. They wait in the outbox."
                    )
                    : HealthCheckResult.Healthy()
            );
        }
    }
}
