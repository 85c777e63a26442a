using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Platform.Identity.Service.Realm;

/// <summary>
/// Whether people can sign in. Without Keycloak everything but OAuth works, so it never makes the service unhealthy, only degraded.
/// </summary>
internal sealed class RealmState : IHealthCheck
{
    private volatile string? _problem = "The realm has not been compared with its file yet.";

    public bool IsReady => _problem is null;

    public void Ready() => _problem = null;

    public void Failed(string problem) => _problem = problem;

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(_problem is { } problem ? HealthCheckResult.Degraded(problem) : HealthCheckResult.Healthy());
}
