using System.Text.Json.Nodes;
using Platform.Identity.Service.Keycloak;

namespace Platform.Identity.Service.Realm;

internal sealed partial class RealmReconciler
{
    /// <summary>The ids of the realm's client scopes by name.</summary>
    private async Task<Dictionary<string, string>> ReconcileScopesAsync(CancellationToken cancellationToken)
    {
        var existing = (await keycloak.ListAsync("client-scopes", cancellationToken)).ToDictionary(
            scope => (string)scope!["name"]!,
            scope => scope!.AsObject()
        );
        var ids = existing.ToDictionary(scope => scope.Key, scope => (string)scope.Value["id"]!);
        foreach (var wanted in file.Json["clientScopes"]!.AsArray().Select(scope => scope!.AsObject()))
        {
            var name = (string)wanted["name"]!;
            if (!existing.TryGetValue(name, out var found))
            {
                ids[name] = await keycloak.PostAsync("client-scopes", wanted.DeepClone(), cancellationToken)
                    ?? throw new KeycloakUnavailableException($"Keycloak did not tell the id of the scope {name}.");
                _changes.Add($"scope {name}: created");
                continue;
            }

            if (
                !JsonComparison.Covers(found["description"], wanted["description"])
                || !JsonComparison.Covers(found["attributes"], wanted["attributes"])
            )
            {
                found["description"] = wanted["description"]?.DeepClone();
                found["attributes"] = Merge(found["attributes"], wanted["attributes"]);
                await keycloak.PutAsync($"client-scopes/{ids[name]}", Without(found, "protocolMappers"), cancellationToken);
                _changes.Add($"scope {name}: changed");
            }

            await ReconcileMappersAsync(
                name,
                ids[name],
                found["protocolMappers"] as JsonArray ?? [],
                wanted["protocolMappers"] as JsonArray ?? [],
                cancellationToken
            );
        }

        return ids;
    }

    // A mapper that the file does not know could put another audience or another's subject into every token: it goes.
    private async Task ReconcileMappersAsync(
        string scope,
        string scopeId,
        JsonArray existing,
        JsonArray wanted,
        CancellationToken cancellationToken
    )
    {
        var path = $"client-scopes/{scopeId}/protocol-mappers/models";
        foreach (var mapper in wanted)
        {
            var found = existing.FirstOrDefault(other => Same(other!, mapper!, "name"));
            if (found is not null && JsonComparison.Covers(found, mapper))
            {
                continue;
            }

            var body = mapper!.DeepClone().AsObject();
            if (found is null)
            {
                await keycloak.PostAsync(path, body, cancellationToken);
            }
            else
            {
                body["id"] = (string)found["id"]!;
                await keycloak.PutAsync($"{path}/{(string)found["id"]!}", body, cancellationToken);
            }

            _changes.Add($"scope {scope}: mapper {(string)mapper["name"]!} {(found is null ? "created" : "changed")}");
        }

        foreach (var mapper in existing.Where(other => !wanted.Any(mapper => Same(mapper!, other!, "name"))))
        {
            await keycloak.DeleteAsync($"{path}/{(string)mapper!["id"]!}", cancellationToken);
            _changes.Add($"scope {scope}: mapper {(string)mapper["name"]!} removed");
        }
    }

    private async Task ReconcileDefaultScopesAsync(string kind, Dictionary<string, string> scopes, CancellationToken cancellationToken)
    {
        var wanted = Names(file.Json[kind == "default" ? "defaultDefaultClientScopes" : "defaultOptionalClientScopes"]);
        var existing = Names(await keycloak.ListAsync($"default-{kind}-client-scopes", cancellationToken), "name");
        foreach (var name in wanted.Except(existing))
        {
            await keycloak.AssignAsync($"default-{kind}-client-scopes/{scopes[name]}", cancellationToken);
            _changes.Add($"{kind} scopes: {name} added");
        }

        foreach (var name in existing.Except(wanted))
        {
            await keycloak.DeleteAsync($"default-{kind}-client-scopes/{scopes[name]}", cancellationToken);
            _changes.Add($"{kind} scopes: {name} removed");
        }
    }

    private async Task ReconcileScopeMappingsAsync(Dictionary<string, string> scopes, CancellationToken cancellationToken)
    {
        foreach (var mapping in file.Json["scopeMappings"]!.AsArray())
        {
            await ReconcileScopeMappingAsync(
                (string)mapping!["clientScope"]!,
                scopes,
                "realm",
                "roles",
                Names(mapping["roles"]),
                cancellationToken
            );
        }

        foreach (var (client, mappings) in file.Json["clientScopeMappings"]!.AsObject())
        {
            var id = (string)(await FindClientAsync(client, cancellationToken))!["id"]!;
            foreach (var mapping in mappings!.AsArray())
            {
                await ReconcileScopeMappingAsync(
                    (string)mapping!["clientScope"]!,
                    scopes,
                    $"clients/{id}",
                    $"clients/{id}/roles",
                    Names(mapping["roles"]),
                    cancellationToken
                );
            }
        }
    }

    private async Task ReconcileScopeMappingAsync(
        string scope,
        Dictionary<string, string> scopes,
        string container,
        string roles,
        HashSet<string> wanted,
        CancellationToken cancellationToken
    )
    {
        var path = $"client-scopes/{scopes[scope]}/scope-mappings/{container}";
        var missing = wanted.Except(Names(await keycloak.ListAsync(path, cancellationToken), "name")).ToHashSet();
        if (missing.Count > 0)
        {
            var found = (await keycloak.ListAsync(roles, cancellationToken))
                .Where(role => missing.Contains((string)role!["name"]!))
                .Select(role => role!.DeepClone());
            await keycloak.PostAsync(path, new JsonArray([.. found]), cancellationToken);
            _changes.Add($"scope {scope}: roles {string.Join(", ", missing)} added");
        }
    }

    private static HashSet<string> Names(JsonNode? list) => [.. (list as JsonArray ?? []).Select(item => (string)item!)];

    private static HashSet<string> Names(JsonArray list, string property) => [.. list.Select(item => (string)item![property]!)];

    private static JsonObject Merge(JsonNode? existing, JsonNode? wanted)
    {
        var merged = existing?.DeepClone().AsObject() ?? [];
        foreach (var (name, value) in wanted as JsonObject ?? [])
        {
            merged[name] = value?.DeepClone();
        }

        return merged;
    }

    private static JsonObject Without(JsonObject members, string name)
    {
        var copy = members.DeepClone().AsObject();
        copy.Remove(name);
        return copy;
    }
}
