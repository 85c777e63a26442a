using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Npgsql;
using Platform.Identity.Service.Keycloak;
using Platform.Identity.Service.Realm;
using Platform.Identity.Service.State;
using Platform.ServiceDefaults.State;

namespace Platform.Identity.Service.Registration;

/// <summary>A client as it was registered.</summary>
/// <param name="Secret">Null for a public one. It is told once; the realm keeps it.</param>
internal sealed record RegisteredClient(string ClientId, string? Secret, DateTimeOffset RegisteredAt);

/// <summary>
/// The clients that registered themselves: what the realm is told about each, and until when it stays. Nobody knows who registers, so one
/// that nobody signs in with goes after a day, and room is made for new ones at the expense of the oldest that were never used.
/// </summary>
internal sealed partial class RegisteredClients(
    KeycloakAdmin keycloak,
    RealmFile file,
    NpgsqlDataSource database,
    TimeProvider time,
    ILogger<RegisteredClients> log
) : IRealmFollower
{
    /// <summary>How many there can be that nobody has signed in with.</summary>
    public const int MaxUnused = 2000;

    public static readonly TimeSpan UnusedFor = TimeSpan.FromDays(1);

    // Longer than a sign-in can be continued without a call.
    public static readonly TimeSpan IdleFor = TimeSpan.FromDays(90);

    private const int Batch = 100;

    private const string Insert = """
        insert into identity.registered_client (client_id, registered_at) values ($1, $2) on conflict do nothing
        """;

    private const string FindExpired = """
        select client_id from identity.registered_client
        where last_used_at is null and registered_at < $1 or last_used_at < $2
        order by registered_at limit $3
        """;

    private const string FindExcess = """
        select client_id from identity.registered_client where last_used_at is null order by registered_at desc offset $1 limit $2
        """;

    private const string FindKnown = "select client_id from identity.registered_client where client_id = any($1)";

    private const string Delete = "delete from identity.registered_client where client_id = $1";

    // Clients of the realm that nobody registered.
    private readonly HashSet<string> _others = [.. file.ClientIds, .. BuiltInClients.Ids];

    private bool _hasAdopted;

    /// <summary>Makes the client in the realm. It can be given every scope that a client can have, one consent at a time.</summary>
    public async Task<RegisteredClient> AddAsync(ClientMetadata metadata, CancellationToken cancellationToken)
    {
        await RemoveAsync(await ListAsync(new Statement(FindExcess, MaxUnused - 1, Batch), cancellationToken), cancellationToken);
        var client = new RegisteredClient(
            Guid.NewGuid().ToString(),
            metadata.IsPublic ? null : RandomNumberGenerator.GetHexString(64, lowercase: true),
            time.GetUtcNow()
        );

        // The row first: a client of the realm without a row would stay for ever, a row without a client goes with its time.
        await ExecuteAsync(new Statement(Insert, client.ClientId, client.RegisteredAt.UtcDateTime), cancellationToken);
        await keycloak.PostAsync("clients", Representation(metadata, client), cancellationToken);
        LogRegistered(client.ClientId);
        return client;
    }

    public async Task ReconciledAsync(CancellationToken cancellationToken)
    {
        await AdoptAsync(cancellationToken);
        var now = time.GetUtcNow();
        while (
            await ListAsync(
                new Statement(FindExpired, (now - UnusedFor).UtcDateTime, (now - IdleFor).UtcDateTime, Batch),
                cancellationToken
            )
                is { Count: > 0 } expired
        )
        {
            await RemoveAsync(expired, cancellationToken);
        }
    }

    // Earlier versions let the realm register clients by itself.
    private async Task AdoptAsync(CancellationToken cancellationToken)
    {
        const int Page = 200;
        for (var first = 0; !_hasAdopted; first += Page)
        {
            var page = await keycloak.ListAsync($"clients?first={first}&max={Page}", cancellationToken);
            var found = page.Select(client => (string)client!["clientId"]!).Where(id => !_others.Contains(id)).ToArray();
            foreach (var client in found.Except(await ListAsync(new Statement(FindKnown, (object)found), cancellationToken)))
            {
                await ExecuteAsync(new Statement(Insert, client, time.GetUtcNow().UtcDateTime), cancellationToken);
            }

            _hasAdopted = page.Count < Page;
        }
    }

    private async Task RemoveAsync(IReadOnlyList<string> clients, CancellationToken cancellationToken)
    {
        foreach (var clientId in clients)
        {
            var found = await keycloak.ListAsync($"clients?clientId={Uri.EscapeDataString(clientId)}", cancellationToken);
            if (found.SingleOrDefault() is { } client)
            {
                await keycloak.DeleteAsync($"clients/{(string)client["id"]!}", cancellationToken);
            }

            await ExecuteAsync(new Statement(Delete, clientId), cancellationToken);
            LogRemoved(clientId);
        }
    }

    private static JsonObject Representation(ClientMetadata metadata, RegisteredClient client)
    {
        var json = new JsonObject
        {
            ["clientId"] = client.ClientId,
            ["name"] = metadata.Name,
            ["enabled"] = true,
            ["publicClient"] = metadata.IsPublic,
            ["clientAuthenticatorType"] = "client-secret",
            ["consentRequired"] = true,
            ["standardFlowEnabled"] = true,
            ["implicitFlowEnabled"] = false,
            ["directAccessGrantsEnabled"] = false,
            ["serviceAccountsEnabled"] = false,
            ["fullScopeAllowed"] = false,
            ["frontchannelLogout"] = false,
            ["redirectUris"] = new JsonArray([.. RedirectRules.ForRealm(metadata.RedirectUris)]),
            ["webOrigins"] = new JsonArray([.. RedirectRules.WebOrigins(metadata.RedirectUris)]),
            ["attributes"] = new JsonObject
            {
                ["pkce.code.challenge.method"] = "S256",
                ["oauth2.device.authorization.grant.enabled"] = "false",
                ["backchannel.logout.session.required"] = "true",
            },
        };
        if (client.Secret is { } secret)
        {
            json["secret"] = secret;
        }

        return json;
    }

    private async Task<List<string>> ListAsync(Statement statement, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.QueryAsync(statement, row => row.GetString(0), cancellationToken);
    }

    private async Task ExecuteAsync(Statement statement, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await connection.ExecuteAsync(statement, cancellationToken);
    }

    [LoggerMessage(4111, LogLevel.Information, "Client {ClientId} registered itself")]
    private partial void LogRegistered(string clientId);

    [LoggerMessage(4112, LogLevel.Information, "Client {ClientId}, which nobody uses, was removed")]
    private partial void LogRemoved(string clientId);
}
