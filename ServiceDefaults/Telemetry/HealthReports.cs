using System.Diagnostics.Metrics;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Platform.ServiceDefaults.Telemetry;

/// <summary>How the state of a process and of what it depends on is shown.</summary>
internal static class HealthReports
{
    private static readonly TimeSpan _every = TimeSpan.FromSeconds(5);

    /// <summary>The metric <c>platform.health</c> for each check, a few seconds old at most.</summary>
    public static void AddHealthMetric(this IServiceCollection services)
    {
        services.Configure<HealthCheckPublisherOptions>(options => (options.Delay, options.Period) = (_every, _every));
        services.AddSingleton<IHealthCheckPublisher, MetricPublisher>();
    }

    /// <summary>
    /// <c>{"status":"Degraded","checks":{"keycloak":{"status":"Degraded","description":"…"}}}</c>. Without exceptions: they name hosts and
    /// accounts.
    /// </summary>
    public static Task WriteAsync(HttpContext context, HealthReport report) =>
        context.Response.WriteAsJsonAsync(
            new
            {
                status = report.Status.ToString(),
                checks = report.Entries.ToDictionary(
                    check => check.Key,
                    check => new { status = check.Value.Status.ToString(), description = check.Value.Description ?? "" }
                ),
            }
        );

    private sealed class MetricPublisher : IHealthCheckPublisher
    {
        private static readonly Gauge<double> _health = PlatformMeter.Instance.CreateGauge<double>(
            "platform.health",
            null,
            "What the process depends on, by check: 1 healthy, 0.5 degraded (it serves all the same), 0 unhealthy."
        );

        public Task PublishAsync(HealthReport report, CancellationToken cancellationToken)
        {
            foreach (var (name, check) in report.Entries)
            {
                var value = check.Status switch
                {
                    HealthStatus.Healthy => 1,
                    HealthStatus.Degraded => 0.5,
                    _ => 0,
                };
                _health.Record(value, new KeyValuePair<string, object?>("check", name));
            }

            return Task.CompletedTask;
        }
    }
}
