using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace Platform.ServiceDefaults.Telemetry;

internal static class TelemetryExtensions
{
    // What the frameworks emit by themselves; no instrumentation package is needed on .NET 10.
    private static readonly string[] _sources =
    [
        PlatformMeter.Name,
        "Microsoft.AspNetCore",
        "System.Net.Http",
        "Grpc.Net.Client",
        "Npgsql",
        "MassTransit",
    ];

    private static readonly string[] _meters =
    [
        PlatformMeter.Name,
        "Microsoft.AspNetCore.Hosting",
        "Microsoft.AspNetCore.Server.Kestrel",
        "System.Net.Http",
        "System.Runtime",
        "Npgsql",
        "MassTransit",
    ];

    // Memory for every series is allocated when an instrument appears. The default of 2,000 series each would take 10 MiB per service.
    // Series that do not fit are counted together as otel.metric.overflow. Our own instruments may count by tool and reason.
    private const int MaxSeries = 200;
    private const int MaxOwnSeries = 2000;

    private static readonly string[] _chatty =
    [
        "Npgsql",
        "System.Net.Http.HttpClient",
        "Microsoft.AspNetCore",
        "Grpc",
        "MassTransit",
        "ModelContextProtocol",
        "StackExchange.Redis",
    ];

    /// <summary>
    /// Traces, metrics and logs by OTLP when <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> is set; metrics for Prometheus at <c>/metrics</c> always.
    /// </summary>
    public static void AddTelemetry(this WebApplicationBuilder builder)
    {
        // ASP.NET Core names its spans and fills the http.* tags itself once this is off.
        AppContext.SetSwitch("Microsoft.AspNetCore.Hosting.SuppressActivityOpenTelemetryData", false);
        // Every statement, request and message has a span; a line in the log is for what somebody should read.
        foreach (var chatty in _chatty)
        {
            builder.Logging.AddFilter(chatty, LogLevel.Warning);
        }

        RepeatedFailures.AddTo(builder.Services);
        var exports = !string.IsNullOrEmpty(builder.Configuration["OTEL_EXPORTER_OTLP_ENDPOINT"]);
        var telemetry = builder.Services.AddOpenTelemetry();
        if (exports)
        {
            builder.Logging.AddOpenTelemetry(logging =>
            {
                logging.IncludeFormattedMessage = true;
                logging.IncludeScopes = true;
                logging.AddOtlpExporter();
            });
            telemetry.WithTracing(tracing => tracing.AddSource(_sources).AddOtlpExporter());
        }

        telemetry.WithMetrics(metrics =>
        {
            metrics.AddMeter(_meters);
            metrics.AddView(instrument => new MetricStreamConfiguration
            {
                CardinalityLimit = instrument.Meter.Name == PlatformMeter.Name ? MaxOwnSeries : MaxSeries,
            });
            metrics.AddReader(services => services.GetRequiredService<PrometheusReader>());
            if (exports)
            {
                metrics.AddOtlpExporter();
            }
        });
        builder.Services.AddSingleton<PrometheusReader>();
    }
}
