using System.Text.Json.Nodes;

namespace Platform.Identity.Service.Realm;

internal sealed partial class RealmReconciler
{
    // The account console is Keycloak's own, so the file cannot hold it without holding all that comes with it. It gets a scope that
    // carries the roles of the account API, and none that carries the audience of the platform.
    private static readonly string[] _accountConsoleScopes = ["account", "profile", "email"];

    private async Task ReconcileClientsAsync(Dictionary<string, string> scopes, CancellationToken cancellationToken)
    {
        var defaults = (Names(file.Json["defaultDefaultClientScopes"]), Names(file.Json["defaultOptionalClientScopes"]));
        foreach (var client in file.Json["clients"]!.AsArray())
        {
            var wanted = client!.DeepClone().AsObject();
            var name = (string)wanted["clientId"]!;
            var (defaultScopes, optionalScopes) = wanted.ContainsKey("defaultClientScopes")
                ? (Names(wanted["defaultClientScopes"]), Names(wanted["optionalClientScopes"]))
                : defaults;
            wanted.Remove("defaultClientScopes");
            wanted.Remove("optionalClientScopes");
            await ReconcileClientAsync(name, wanted, cancellationToken);
            await ReconcileClientScopesAsync(name, defaultScopes, optionalScopes, scopes, cancellationToken);
        }

        await ReconcileClientScopesAsync("account-console", [.. _accountConsoleScopes], [], scopes, cancellationToken);
        await ReconcileSecretAsync(cancellationToken);
    }

    private async Task ReconcileClientAsync(string name, JsonObject wanted, CancellationToken cancellationToken)
    {
        var found = await FindClientAsync(name, cancellationToken);
        if (found is null)
        {
            await keycloak.PostAsync("clients", wanted, cancellationToken);
            _changes.Add($"client {name}: created");
            return;
        }

        var different = wanted
            .Where(setting => !JsonComparison.Covers(found[setting.Key], setting.Value))
            .Select(setting => setting.Key)
            .ToList();
        if (different.Count == 0)
        {
            return;
        }

        foreach (var setting in different)
        {
            found[setting] = setting == "attributes" ? Merge(found["attributes"], wanted["attributes"]) : wanted[setting]?.DeepClone();
        }

        await keycloak.PutAsync($"clients/{(string)found["id"]!}", found, cancellationToken);
        _changes.Add($"client {name}: {string.Join(", ", different)}");
    }

    private async Task ReconcileClientScopesAsync(
        string name,
        HashSet<string> defaultScopes,
        HashSet<string> optionalScopes,
        Dictionary<string, string> scopes,
        CancellationToken cancellationToken
    )
    {
        var id = (string)(await FindClientAsync(name, cancellationToken))!["id"]!;
        foreach (var (kind, wanted) in new[] { ("default", defaultScopes), ("optional", optionalScopes) })
        {
            var existing = Names(await keycloak.ListAsync($"clients/{id}/{kind}-client-scopes", cancellationToken), "name");
            foreach (var scope in existing.Except(wanted))
            {
                await keycloak.DeleteAsync($"clients/{id}/{kind}-client-scopes/{scopes[scope]}", cancellationToken);
                _changes.Add($"client {name}: {kind} scope {scope} removed");
            }

            foreach (var scope in wanted.Except(existing))
            {
                await keycloak.AssignAsync($"clients/{id}/{kind}-client-scopes/{scopes[scope]}", cancellationToken);
                _changes.Add($"client {name}: {kind} scope {scope} added");
            }
        }
    }

    private async Task ReconcileSecretAsync(CancellationToken cancellationToken)
    {
        var found = (await FindClientAsync(clientId, cancellationToken))!;
        var current = await keycloak.GetAsync($"clients/{(string)found["id"]!}/client-secret", cancellationToken);
        if (clientSecret.Length == 0 || (string?)current?["value"] == clientSecret)
        {
            return;
        }

        found["secret"] = clientSecret;
        await keycloak.PutAsync($"clients/{(string)found["id"]!}", found, cancellationToken);
        keycloak.Forget();
        _changes.Add($"client {clientId}: secret");
    }

    private async Task ReconcileServiceAccountAsync(CancellationToken cancellationToken)
    {
        var account = file.Json["users"]!.AsArray().Single(user => (string?)user!["serviceAccountClientId"] == clientId)!;
        var client = (string)(await FindClientAsync(clientId, cancellationToken))!["id"]!;
        var user = (string)(await keycloak.GetAsync($"clients/{client}/service-account-user", cancellationToken))!["id"]!;
        foreach (var (owner, roles) in account["clientRoles"]!.AsObject())
        {
            var container = (string)(await FindClientAsync(owner, cancellationToken))!["id"]!;
            var missing = Names(roles)
                .Except(Names(await keycloak.ListAsync($"users/{user}/role-mappings/clients/{container}", cancellationToken), "name"))
                .ToHashSet();
            if (missing.Count == 0)
            {
                continue;
            }

            var found = (await keycloak.ListAsync($"clients/{container}/roles", cancellationToken))
                .Where(role => missing.Contains((string)role!["name"]!))
                .Select(role => role!.DeepClone());
            await keycloak.PostAsync($"users/{user}/role-mappings/clients/{container}", new JsonArray([.. found]), cancellationToken);
            keycloak.Forget();
            _changes.Add($"service account {clientId}: roles {string.Join(", ", missing)} added");
        }
    }

    private async Task<JsonObject?> FindClientAsync(string name, CancellationToken cancellationToken) =>
        (await keycloak.ListAsync($"clients?clientId={Uri.EscapeDataString(name)}", cancellationToken)).SingleOrDefault()?.AsObject();
}
