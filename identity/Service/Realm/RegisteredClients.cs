using System.Text.Json.Nodes;
using Platform.Identity.Service.Keycloak;

namespace Platform.Identity.Service.Realm;

/// <summary>
/// Clients that registered themselves. One that names scopes in its registration gets those alone, and its next step-up would end in
/// <c>invalid_scope</c>: it gets the platform's others as optional ones, so that a person can be asked for them.
/// </summary>
internal sealed class RegisteredClients(KeycloakAdmin keycloak, RealmFile file)
{
    private readonly HashSet<string> _known =
    [
        .. file.ClientIds,
        "account",
        "account-console",
        "admin-cli",
        "broker",
        "realm-management",
        "security-admin-console",
    ];

    /// <summary>Completes every client that registered itself, also those that did while nobody was listening.</summary>
    public async Task<int> CompleteAllAsync(CancellationToken cancellationToken)
    {
        const int Page = 200;
        var completed = 0;
        for (var first = 0; ; first += Page)
        {
            var clients = await keycloak.ListAsync($"clients?first={first}&max={Page}", cancellationToken);
            foreach (var client in clients)
            {
                completed += await CompleteAsync(client!, cancellationToken) ? 1 : 0;
            }

            if (clients.Count < Page)
            {
                return completed;
            }
        }
    }

    /// <summary>False when there was nothing to add.</summary>
    public async Task<bool> CompleteAsync(string clientId, CancellationToken cancellationToken) =>
        (await keycloak.ListAsync($"clients?clientId={Uri.EscapeDataString(clientId)}", cancellationToken)).SingleOrDefault() is { } client
        && await CompleteAsync(client, cancellationToken);

    private async Task<bool> CompleteAsync(JsonNode client, CancellationToken cancellationToken)
    {
        if (_known.Contains((string)client["clientId"]!))
        {
            return false;
        }

        var existing = Names(client["defaultClientScopes"]).Union(Names(client["optionalClientScopes"]));
        var missing = Names(file.Json["defaultOptionalClientScopes"]).Except(existing).ToHashSet();
        if (missing.Count == 0)
        {
            return false;
        }

        foreach (
            var scope in (await keycloak.ListAsync("client-scopes", cancellationToken)).Where(scope =>
                missing.Contains((string)scope!["name"]!)
            )
        )
        {
            await keycloak.AssignAsync(
                $"clients/{(string)client["id"]!}/optional-client-scopes/{(string)scope!["id"]!}",
                cancellationToken
            );
        }

        return true;
    }

    private static IEnumerable<string> Names(JsonNode? list) => (list as JsonArray ?? []).Select(item => (string)item!);
}
