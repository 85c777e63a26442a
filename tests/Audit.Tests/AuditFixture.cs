using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;
using Platform.Audit.Contracts.V1;
using Platform.Audit.Service.Log;
using Platform.Contracts;
using Platform.Testing;

[assembly: AssemblyFixture(typeof(PostgresFixture))]

namespace Platform.Audit.Tests;

/// <summary>The audit service on a fresh database, with a strict receiver in the place of Datadog's US1 site.</summary>
public sealed class AuditFixture(PostgresFixture postgres) : ServiceFixture<Program>(postgres, "audit")
{
    public const string Site = "datadoghq.com";

    public AuditTrail.AuditTrailClient Client => new(Channel);

    public Calls.CallsClient Calls => new(Channel);

    public SigningSecrets.SigningSecretsClient Secrets => new(Channel);

    internal DatadogReceiver Datadog { get; } = new();

    internal WebhookReceiver Webhooks { get; } = new();

    /// <summary>Everything the service logged, formatted.</summary>
    public CapturedLog Log { get; } = new();

    public static TestCaller Edge { get; } = TestCaller.AsService("edge");

    /// <summary>The sequencer's view, which is not the application's.</summary>
    public NpgsqlDataSource Sequencer { get; private set; } = null!;

    protected override IReadOnlyList<string> Logins => ["sequencer"];

    public override async ValueTask InitializeAsync()
    {
        await Datadog.StartAsync();
        await Webhooks.StartAsync();
        await base.InitializeAsync();
        Sequencer = NpgsqlDataSource.Create(ConnectionStringOf("sequencer"));
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await Sequencer.DisposeAsync();
        await Datadog.DisposeAsync();
        await Webhooks.DisposeAsync();
    }

    public static EventEnvelope Event(
        Guid workspace,
        string action = "organization.created",
        string? id = null,
        DateTimeOffset? occurredAt = null,
        object? details = null
    ) =>
        new(
            Ids.New(),
            workspace,
            null,
            occurredAt ?? DateTimeOffset.UtcNow,
            "directory",
            "OrganizationCreated",
            action,
            new Actor("member", "mbr_1", "admin", "tok_1", "claude"),
            new CallInfo(Guid.NewGuid().ToString(), "create_organization", null, null, ["directory:write"], "sandbox"),
            [new Target("organization", id ?? "org_1")],
            JsonSerializer.SerializeToElement(details ?? new { name = "Ångström & <Söhne>" })
        );

    /// <summary>What the bus would do with a batch.</summary>
    public async Task ConsumeAsync(params IReadOnlyList<EventEnvelope> events)
    {
        await using var scope = Services.CreateAsyncScope();
        var intake = scope.ServiceProvider.GetRequiredService<EventIntake>();
        await intake.ConsumeAsync(new EventBatch("directory", events), CancellationToken.None);
    }

    /// <summary>Returns the sequences and ids of a workspace's log once it holds <paramref name="count"/> events.</summary>
    public async Task<IReadOnlyList<(long Sequence, Guid Id)>> LogOfAsync(Guid workspace, int count)
    {
        await Eventually.AsyncTrue(async () => await CountAsync(workspace) >= count, () => $"{count} events in the log");
        await using var command = Admin.CreateCommand(
            "select sequence, event_id from audit.event where workspace_id = $1 order by sequence"
        );
        command.Parameters.Add(new NpgsqlParameter { Value = workspace });
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<(long, Guid)>();
        while (await reader.ReadAsync())
        {
            rows.Add((reader.GetInt64(0), reader.GetGuid(1)));
        }

        return rows;
    }

    public async Task<T> ScalarAsync<T>(string sql, params IReadOnlyList<object> arguments)
    {
        await using var command = Admin.CreateCommand(sql);
        foreach (var argument in arguments)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = argument });
        }

        return (T)(await command.ExecuteScalarAsync())!;
    }

    protected override IEnumerable<KeyValuePair<string, string?>> Settings() =>
        [
            new($"Audit:Sinks:Datadog:{Site}", Datadog.Address),
            new("Audit:Sinks:TimeoutSeconds", "3"),
            new("Logging:LogLevel:Default", "Trace"),
            new("Logging:LogLevel:Npgsql.Command", "Trace"),
            new("Logging:LogLevel:System.Net.Http.HttpClient.audit-sink", "Trace"),
        ];

    protected override void Configure(IServiceCollection services) => services.AddSingleton<ILoggerProvider>(Log);

    private async Task<int> CountAsync(Guid workspace) =>
        (int)await ScalarAsync<long>("select count(*) from audit.event where workspace_id = $1", workspace);
}
