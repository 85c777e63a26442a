using System.Data;
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
        builder.Services.AddSingleton<ArrivalSignal>();
        builder.Services.AddSingleton<LogSignal>();
        builder.Services.AddSingleton<Arrivals>();
        builder.Services.AddSingleton<SigningKeys>();
        builder.Services.AddSingleton<CallGaps>();
        builder.Services.AddHostedService<Sequencer>();

        builder.AddSinks();
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
                    id = reader.GetString("id"),
                    keyType = reader.GetString("key_type"),
                    publicKey = Convert.ToBase64String((byte[])reader["public_key"]),
                    createdAt = reader.GetFieldValue<DateTimeOffset>("created_at"),
                }
            );
        }

        return Results.Json(new { keys });
    }
}
