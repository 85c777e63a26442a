using Microsoft.Extensions.Options;
using Npgsql;
using Platform.Audit.Service.Log;
using Platform.Audit.Service.Sequencing;
using Platform.Audit.Service.Sinks;
using Platform.Audit.Service.Streams;

namespace Platform.Audit.Service;

/// <summary>What audit adds to the service defaults: the way in, the sequencer, the streams out.</summary>
internal static class AuditHost
{
    private const string FindKeys = "select id, key_type, public_key, created_at from audit.signing_key order by created_at";

    public static void AddAudit(this WebApplicationBuilder builder)
    {
        var development = builder.Environment.IsDevelopment();
        builder.Services.AddSingleton<ArrivalSignal>();
        builder.Services.AddSingleton<LogSignal>();
        builder.Services.AddSingleton<Arrivals>();
        builder.Services.AddSingleton<SigningKeys>();
        builder.Services.AddSingleton<CallGaps>();
        builder.Services.AddHostedService<Sequencer>();

        builder
            .Services.AddOptions<SinkOptions>()
            .BindConfiguration("Audit:Sinks")
            .ValidateDataAnnotations()
            .Validate(
                options => development || options.Datadog.Values.All(address => address.Scheme == Uri.UriSchemeHttps),
                "Intake addresses outside Development are https."
            )
            .Validate(
                options => options.ParseNetworks() is not null,
                "AllowedNetworks are private networks: parts of 10.0.0.0/8, 100.64.0.0/10, 172.16.0.0/12, 192.168.0.0/16 or fc00::/7."
            )
            .ValidateOnStart();
        builder
            .Services.AddHttpClient(SinkClient.Name, client => client.Timeout = Timeout.InfiniteTimeSpan)
            .ConfigurePrimaryHttpMessageHandler(services =>
                OutboundConnections.CreateHandler(development, services.GetRequiredService<IOptions<SinkOptions>>().Value.ParseNetworks()!)
            )
            .RedactLoggedHeaders([DatadogSink.KeyHeader, HttpsSink.SignatureHeader]);
        builder.Services.AddSingleton<SinkClient>();
        builder.Services.AddSingleton<HttpsAddress>();
        builder.Services.AddSingleton<ISink, DatadogSink>();
        builder.Services.AddSingleton<ISink, HttpsSink>();
        builder.Services.AddSingleton<StreamSecrets>();
        builder.Services.AddSingleton<StreamChanges>();
        builder.Services.AddSingleton<StreamStore>();
        builder.Services.AddSingleton<StreamDecisions>();
        builder.Services.AddSingleton<StreamDelivery>();
        builder.Services.AddHostedService<StreamSupervisor>();
    }

    /// <summary><c>/.well-known/audit-keys</c>: the public keys of checkpoints, as SubjectPublicKeyInfo in base64.</summary>
    public static void MapAuditKeys(this WebApplication app) => app.MapGet("/.well-known/audit-keys", ReadKeysAsync);

    private static async Task<IResult> ReadKeysAsync(NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(FindKeys);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var keys = new List<object>();
        while (await reader.ReadAsync(cancellationToken))
        {
            keys.Add(
                new
                {
                    id = reader.GetString(0),
                    keyType = reader.GetString(1),
                    publicKey = Convert.ToBase64String((byte[])reader[2]),
                    createdAt = reader.GetFieldValue<DateTimeOffset>(3),
                }
            );
        }

        return Results.Json(new { keys });
    }
}
