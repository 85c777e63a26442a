using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Platform.Identity.EmbeddedRealm.SignIn;
using Platform.Identity.EmbeddedRealm.Tokens;

namespace Platform.Identity.EmbeddedRealm.State;

/// <summary>A realm from its file, with what Keycloak puts into every realm. What cannot be served is refused by name.</summary>
internal static partial class RealmImport
{
    private static readonly string[] s_collections =
    [
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

    private static readonly string[] s_notServed =
    [
        "roles",
        "groups",
        "defaultGroups",
        "identityProviders",
        "identityProviderMappers",
        "authenticationFlows",
        "organizations",
        "protocolMappers",
    ];

    private static readonly string[] s_accountRoles =
    [
        "delete-account",
        "manage-account",
        "manage-account-links",
        "manage-consent",
        "view-applications",
        "view-consent",
        "view-groups",
        "view-profile",
    ];

    private static readonly string[] s_managementRoles =
    [
        "create-client",
        "impersonation",
        "manage-authorization",
        "manage-clients",
        "manage-events",
        "manage-identity-providers",
        "manage-realm",
        "manage-users",
        "query-clients",
        "query-groups",
        "query-realms",
        "query-users",
        "realm-admin",
        "view-authorization",
        "view-clients",
        "view-events",
        "view-identity-providers",
        "view-realm",
        "view-users",
    ];

    /// <summary>Fills in <c>${NAME}</c> and <c>${NAME:default}</c>; a name without either stays, as Keycloak has such of its own.</summary>
    public static JsonObject Read(string text, IReadOnlyDictionary<string, string> values)
    {
        try
        {
            var filled = Placeholder.Replace(text, match => values.TryGetValue(match.Groups["name"].Value, out var value)
                && value.Length > 0
                    ? JsonEncodedText.Encode(value).ToString()
                : match.Groups["default"] is { Success: true } fallback ? fallback.Value
                : match.Value);
            return JsonNode.Parse(filled) as JsonObject ?? throw new RealmStartException("A realm file is a JSON object.");
        }
        catch (JsonException exception)
        {
            throw new RealmStartException($"The realm file is not JSON: {exception.Message}");
        }
    }

    public static RealmState Create(JsonObject file, string publicUrl, TimeProvider time)
    {
        if (s_notServed.FirstOrDefault(file.ContainsKey) is { } unknown)
        {
            throw new RealmStartException($"The embedded realm does not know '{unknown}' of a realm file; a genuine Keycloak does.");
        }

        var name = (string)file["realm"]!;
        var state = new RealmState
        {
            Id = (string?)file["id"] ?? NewId(),
            Settings = new JsonObject(
                file.Where(setting => !s_collections.Contains(setting.Key) && setting.Key != "id")
                    .Select(setting => KeyValuePair.Create(setting.Key, setting.Value?.DeepClone()))
            ),
            OwnKey = RandomNumberGenerator.GetBytes(64),
        };
        PasswordRules.Check((string?)state.Settings["passwordPolicy"]);
        state.Keys.Add(SigningKeys.Create(NewId(), 100, time.GetUtcNow()));
        AddScopes(state, file);
        foreach (var client in Objects(file["clients"]))
        {
            AddClient(state, client.DeepClone().AsObject());
        }

        AddBuiltIn(state, name, publicUrl);
        foreach (var user in Objects(file["users"]))
        {
            AddUser(state, user, name, time.GetUtcNow());
        }

        foreach (var client in state.Clients.Select(json => new Client(json)).Where(client => client.ServiceAccount))
        {
            ServiceAccountOf(state, client, name, time.GetUtcNow());
        }

        AddMappings(state, file);
        AddComponents(state, file["components"] as JsonObject ?? []);
        state.ClientProfiles = file["clientProfiles"]?["profiles"]?.DeepClone().AsArray() ?? [];
        state.ClientPolicies = file["clientPolicies"]?["policies"]?.DeepClone().AsArray() ?? [];
        return state;
    }

    public static string NewId() => Guid.NewGuid().ToString();

    /// <summary>Completes a client's representation and adds it.</summary>
    public static Client AddClient(RealmState state, JsonObject client)
    {
        client["id"] ??= NewId();
        client["attributes"] ??= new JsonObject();
        client["defaultClientScopes"] ??= state.DefaultScopes.ToJson();
        client["optionalClientScopes"] ??= state.OptionalScopes.ToJson();
        if (!client["publicClient"].IsTrue() && client["secret"] is null)
        {
            client["secret"] = RandomNumberGenerator.GetHexString(32, lowercase: true);
        }

        state.Clients.Add(client);
        return new Client(client);
    }

    /// <summary>The account that a client acts as when nobody is signed in.</summary>
    public static User ServiceAccountOf(RealmState state, Client client, string realm, DateTimeOffset now)
    {
        if (state.Users.Find(user => user.ServiceAccountClientId == client.ClientId) is { } found)
        {
            return found;
        }

        var account = new User
        {
            Id = NewId(),
            Username = $"service-account-{client.ClientId}",
            Enabled = true,
            Created = now,
            RealmRoles = [$"default-roles-{realm}"],
            ServiceAccountClientId = client.ClientId,
        };
        state.Users.Add(account);
        return account;
    }

    private static void AddScopes(RealmState state, JsonObject file)
    {
        foreach (var scope in Objects(file["clientScopes"]).Select(scope => scope.DeepClone().AsObject()))
        {
            scope["id"] ??= NewId();
            foreach (var mapper in Objects(scope["protocolMappers"]))
            {
                mapper["id"] ??= NewId();
                if (!ProtocolMappers.Knows((string?)mapper["protocolMapper"]))
                {
                    throw new RealmStartException(
                        $"The embedded realm does not know the mapper '{mapper["protocolMapper"]}' of the scope {scope["name"]}."
                    );
                }
            }
            state.ClientScopes.Add(scope);
        }
        state.DefaultScopes.AddRange(file["defaultDefaultClientScopes"].Texts());
        state.OptionalScopes.AddRange(file["defaultOptionalClientScopes"].Texts());
    }

    private static void AddBuiltIn(RealmState state, string name, string publicUrl)
    {
        AddBuiltInClient("account", true, [$"{publicUrl}/realms/{name}/account/*"]);
        AddBuiltInClient("account-console", true, [$"{publicUrl}/realms/{name}/account/*"]);
        AddBuiltInClient("admin-cli", true, []);
        AddBuiltInClient("broker", false, []);
        AddBuiltInClient("realm-management", false, []);
        AddBuiltInClient("security-admin-console", true, []);
        foreach (var role in (string[])["offline_access", "uma_authorization", $"default-roles-{name}"])
        {
            AddRole(state, role, null);
        }

        foreach (var role in s_accountRoles)
        {
            AddRole(state, role, "account");
        }

        foreach (var role in s_managementRoles)
        {
            AddRole(state, role, "realm-management");
        }

        void AddBuiltInClient(string id, bool isPublic, string[] redirects)
        {
            if (state.Clients.Exists(client => (string)client["clientId"]! == id))
            {
                return;
            }

            AddClient(
                state,
                new JsonObject
                {
                    ["clientId"] = id,
                    ["name"] = $"${{client_{id}}}",
                    ["enabled"] = true,
                    ["publicClient"] = isPublic,
                    // Nobody signs in for them but for the account console.
                    ["bearerOnly"] = !isPublic,
                    ["consentRequired"] = false,
                    ["standardFlowEnabled"] = redirects.Length > 0,
                    ["fullScopeAllowed"] = false,
                    ["redirectUris"] = redirects.ToJson(),
                    ["webOrigins"] = new JsonArray(),
                    ["attributes"] = new JsonObject { ["pkce.code.challenge.method"] = "S256" },
                    ["defaultClientScopes"] = new JsonArray(),
                    ["optionalClientScopes"] = new JsonArray(),
                }
            );
        }
    }

    private static void AddRole(RealmState state, string role, string? client) =>
        state.Roles.Add(
            new JsonObject
            {
                ["id"] = NewId(),
                ["name"] = role,
                ["composite"] = role.StartsWith("default-roles-", StringComparison.Ordinal),
                ["clientRole"] = client is not null,
                ["containerId"] = client is null
                    ? state.Id
                    : (string)state.Clients.Find(other => (string)other["clientId"]! == client)!["id"]!,
            }
        );

    private static void AddUser(RealmState state, JsonObject json, string realm, DateTimeOffset now)
    {
        var account = (string?)json["serviceAccountClientId"];
        var user = account is null
            ? new User
            {
                Id = NewId(),
                Username = (string)json["username"]!,
                Created = now,
            }
            : ServiceAccountOf(
                state,
                new Client(
                    state.Clients.Find(client => (string)client["clientId"]! == account)
                        ?? throw new RealmStartException($"The service account of '{account}' has no such client.")
                ),
                realm,
                now
            );
        UserRepresentation.Apply(user, json, (string?)state.Settings["passwordPolicy"]);
        user.RealmRoles.UnionWith(json["realmRoles"].Texts());
        foreach (var (client, roles) in json["clientRoles"] as JsonObject ?? [])
        {
            user.ClientRoles[client] = [.. roles.Texts()];
        }

        if (account is null)
        {
            state.Users.Add(user);
        }
    }

    private static void AddMappings(RealmState state, JsonObject file)
    {
        foreach (var mapping in Objects(file["scopeMappings"]))
        {
            Add(mapping, "");
        }

        foreach (var (client, mappings) in file["clientScopeMappings"] as JsonObject ?? [])
        {
            foreach (var mapping in Objects(mappings))
            {
                Add(mapping, client + "/");
            }
        }

        void Add(JsonObject mapping, string prefix)
        {
            var scope = state.ClientScopes.Find(scope => (string)scope["name"]! == (string?)mapping["clientScope"])
                ?? throw new RealmStartException(
                    $"A scope mapping is for the scope '{mapping["clientScope"]}', which the file does not have."
                );
            scope[ServedRealm.RolesOfScope] = scope[ServedRealm.RolesOfScope]
                .Texts()
                .Concat(mapping["roles"].Texts().Select(role => prefix + role))
                .Distinct()
                .ToJson();
        }
    }

    private static void AddComponents(RealmState state, JsonObject components)
    {
        foreach (var (type, list) in components)
        {
            foreach (var component in Objects(list).Select(component => component.DeepClone().AsObject()))
            {
                component["id"] ??= NewId();
                component["providerType"] = type;
                component["parentId"] = state.Id;
                state.Components.Add(component);
            }
        }
    }

    private static IEnumerable<JsonObject> Objects(JsonNode? list) => list is JsonArray items ? items.OfType<JsonObject>() : [];

    [GeneratedRegex(@"\$\{(?<name>[A-Z_]+)(:(?<default>[^}]*))?\}")]
    private static partial Regex Placeholder { get; }
}
