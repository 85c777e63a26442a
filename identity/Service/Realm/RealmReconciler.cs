using System.Text.Json.Nodes;
using Platform.Identity.Service.Keycloak;

namespace Platform.Identity.Service.Realm;

/// <summary>
/// Makes a running realm what its file says, through the admin API: an import leaves a realm alone that exists already. Running it twice
/// changes nothing the second time.
/// </summary>
internal sealed partial class RealmReconciler(KeycloakAdmin keycloak, RealmFile file, string clientId, string clientSecret)
{
    // What is not a setting of the realm itself, or is compared in its own step.
    private static readonly HashSet<string> _notSettings =
    [
        "realm",
        "clientScopes",
        "scopeMappings",
        "clientScopeMappings",
        "defaultDefaultClientScopes",
        "defaultOptionalClientScopes",
        "clients",
        "users",
        "components",
        "clientProfiles",
        "clientPolicies",
    ];

    private readonly List<string> _changes = [];

    /// <summary>What was changed, one line each; empty when the realm was as its file says.</summary>
    public async Task<IReadOnlyList<string>> RunAsync(CancellationToken cancellationToken)
    {
        if (await keycloak.GetAsync("", cancellationToken) is not JsonObject realm)
        {
            await keycloak.CreateRealmAsync(file.Json.DeepClone().AsObject(), cancellationToken);
            _changes.Add("realm: created");
            realm = (await keycloak.GetAsync("", cancellationToken))!.AsObject();
        }

        await ReconcileSettingsAsync(realm, cancellationToken);
        await ReconcileProfileAsync(cancellationToken);
        var scopes = await ReconcileScopesAsync(cancellationToken);
        await ReconcileDefaultScopesAsync("default", scopes, cancellationToken);
        await ReconcileDefaultScopesAsync("optional", scopes, cancellationToken);
        await ReconcileClientsAsync(scopes, cancellationToken);
        await ReconcileScopeMappingsAsync(scopes, cancellationToken);
        await ReconcileServiceAccountAsync(cancellationToken);
        await ReconcileRegistrationPoliciesAsync(cancellationToken);
        await ReconcileClientPoliciesAsync("profiles", file.Json["clientProfiles"]!["profiles"]!.AsArray(), cancellationToken);
        await ReconcileClientPoliciesAsync("policies", file.Json["clientPolicies"]!["policies"]!.AsArray(), cancellationToken);
        return _changes;
    }

    private async Task ReconcileSettingsAsync(JsonObject realm, CancellationToken cancellationToken)
    {
        var wanted = new JsonObject(
            file.Json.Where(setting => !_notSettings.Contains(setting.Key))
                .Select(setting => KeyValuePair.Create(setting.Key, setting.Value?.DeepClone()))
        );
        var different = wanted
            .Where(setting => !JsonComparison.Covers(realm[setting.Key], setting.Value))
            .Select(setting => setting.Key)
            .ToList();
        if (different.Count == 0)
        {
            return;
        }

        // The admin API keeps every setting that an update does not name.
        await keycloak.PutAsync("", wanted, cancellationToken);
        _changes.Add($"realm: {string.Join(", ", different)}");
    }

    private async Task ReconcileRegistrationPoliciesAsync(CancellationToken cancellationToken)
    {
        const string Type = "org.keycloak.services.clientregistration.policy.ClientRegistrationPolicy";
        var realmId = (string)(await keycloak.GetAsync("", cancellationToken))!["id"]!;
        var existing = await keycloak.ListAsync($"components?type={Type}", cancellationToken);
        foreach (var policy in file.Json["components"]![Type]!.AsArray())
        {
            var wanted = policy!.DeepClone().AsObject();
            var found = existing.FirstOrDefault(component => Same(component!, wanted, "providerId") && Same(component!, wanted, "subType"));
            if (found is not null && JsonComparison.Covers(found["config"], wanted["config"]))
            {
                continue;
            }

            wanted["providerType"] = Type;
            wanted["parentId"] = realmId;
            if (found is null)
            {
                await keycloak.PostAsync("components", wanted, cancellationToken);
            }
            else
            {
                wanted["id"] = (string)found["id"]!;
                await keycloak.PutAsync($"components/{(string)found["id"]!}", wanted, cancellationToken);
            }

            _changes.Add(
                $"registration policy {(string)wanted["name"]!} ({(string)wanted["subType"]!}): {(found is null ? "created" : "changed")}"
            );
        }
    }

    // What others added beside ours stays: more policies can only be stricter.
    private async Task ReconcileClientPoliciesAsync(string kind, JsonArray wanted, CancellationToken cancellationToken)
    {
        var current = (await keycloak.GetAsync($"client-policies/{kind}", cancellationToken))![kind]!.AsArray();
        var changed = false;
        foreach (var item in wanted)
        {
            var found = current.FirstOrDefault(other => Same(other!, item!, "name"));
            if (JsonComparison.Covers(found, item))
            {
                continue;
            }

            if (found is not null)
            {
                current.Remove(found);
            }

            current.Add(item!.DeepClone());
            changed = true;
            _changes.Add($"client {kind} {(string)item["name"]!}: {(found is null ? "created" : "changed")}");
        }

        if (changed)
        {
            await keycloak.PutAsync($"client-policies/{kind}", new JsonObject { [kind] = current.DeepClone() }, cancellationToken);
        }
    }

    private static bool Same(JsonNode one, JsonNode other, string property) => (string?)one[property] == (string?)other[property];
}
