using System.Text.Json;
using System.Text.Json.Nodes;
using Platform.Identity.EmbeddedRealm.State;

namespace Platform.Identity.EmbeddedRealm.OAuth;

/// <summary>
/// A client makes itself known (RFC 7591), within the realm's policies. One that names scopes gets those, and of the realm's default ones
/// the
/// client scope <c>basic</c>, as in Keycloak. What is registered is changed by an administrator only: no registration token is given out.
/// </summary>
internal static class Registration
{
    private static readonly string[] s_authMethods = ["none", "client_secret_basic", "client_secret_post"];

    private static readonly string[] s_texts = ["client_name", "token_endpoint_auth_method", "scope"];

    public static ValueTask<Answer> Register(RealmRequest request)
    {
        var realm = request.Realm;
        AllowOrigin(request);
        if (request.Body is not JsonObject wanted)
        {
            return Refuse(request, 400, "invalid_client_metadata", "The body is not a JSON object.");
        }

        if (s_texts.FirstOrDefault(name => wanted[name] is { } value && value.GetValueKind() != JsonValueKind.String) is { } wrong)
        {
            return Refuse(request, 400, "invalid_client_metadata", $"{wrong} is not a text.");
        }

        var redirects = wanted["redirect_uris"].Texts().ToList();
        var grants = wanted["grant_types"] is JsonArray ? wanted["grant_types"].Texts().ToList() : ["authorization_code"];
        var method = (string?)wanted["token_endpoint_auth_method"] ?? "client_secret_basic";
        var scopes = Scopes.Split((string?)wanted["scope"]);
        if (
            redirects.Count == 0
            || redirects.Exists(redirect =>
                !Uri.TryCreate(redirect, UriKind.Absolute, out _)
                || redirect.Contains('*', StringComparison.Ordinal)
                || redirect.Contains('#', StringComparison.Ordinal)
            )
        )
        {
            return Refuse(
                request,
                400,
                "invalid_redirect_uri",
                "redirect_uris: absolute ones, at least one, without fragment and wildcard."
            );
        }

        if (grants.Find(grant => grant is not ("authorization_code" or "refresh_token")) is { } unknown)
        {
            return Refuse(
                request,
                400,
                "invalid_client_metadata",
                $"The grant type {unknown} is not for clients that register themselves."
            );
        }

        if (!s_authMethods.Contains(method))
        {
            return Refuse(
                request,
                400,
                "invalid_client_metadata",
                $"The embedded realm knows the authentication methods {string.Join(", ", s_authMethods)}."
            );
        }

        if (RegistrationPolicies.Refusal(realm, wanted, redirects, scopes, request.Address) is { } refusal)
        {
            return Refuse(request, 403, "insufficient_scope", refusal);
        }

        var client = RealmImport.AddClient(realm.State, Representation(realm, wanted, redirects, scopes, method));
        realm.Record("CLIENT_REGISTER", client.ClientId, request.Address);
        realm.Changed();
        return ValueTask.FromResult(Answer.Json(Describe(realm, client, wanted, redirects, grants, method), 201));
    }

    private static JsonObject Representation(
        ServedRealm realm,
        JsonObject wanted,
        List<string> redirects,
        HashSet<string> scopes,
        string method
    )
    {
        var json = new JsonObject
        {
            ["clientId"] = Guid.NewGuid().ToString(),
            ["name"] = (string?)wanted["client_name"] ?? "",
            ["enabled"] = true,
            ["publicClient"] = method == "none",
            ["clientAuthenticatorType"] = "client-secret",
            ["consentRequired"] = RegistrationPolicies.Has(realm, "consent-required"),
            ["standardFlowEnabled"] = true,
            ["implicitFlowEnabled"] = false,
            ["directAccessGrantsEnabled"] = false,
            ["serviceAccountsEnabled"] = false,
            ["fullScopeAllowed"] = !RegistrationPolicies.Has(realm, "scope"),
            ["redirectUris"] = redirects.ToJson(),
            ["webOrigins"] = new JsonArray("+"),
            ["attributes"] = new JsonObject { ["client.secret.creation.time"] = $"{realm.Now.ToUnixTimeSeconds()}" },
        };
        if (scopes.Count > 0)
        {
            json["defaultClientScopes"] = realm.State.DefaultScopes.Where(scope => scope == "basic" || scopes.Contains(scope)).ToJson();
            json["optionalClientScopes"] = scopes.Where(scope => scope != "openid" && !realm.State.DefaultScopes.Contains(scope)).ToJson();
        }
        return json;
    }

    private static JsonObject Describe(
        ServedRealm realm,
        Client client,
        JsonObject wanted,
        List<string> redirects,
        List<string> grants,
        string method
    )
    {
        var answer = new JsonObject
        {
            ["client_id"] = client.ClientId,
            ["client_id_issued_at"] = realm.Now.ToUnixTimeSeconds(),
            ["redirect_uris"] = redirects.ToJson(),
            ["grant_types"] = grants.ToJson(),
            ["response_types"] = new JsonArray("code"),
            ["token_endpoint_auth_method"] = method,
            ["scope"] = string.Join(' ', client.OptionalScopes.Concat(client.DefaultScopes.Where(scope => scope != "basic"))),
        };
        if ((string?)wanted["client_name"] is { } name)
        {
            answer["client_name"] = name;
        }

        if (!client.IsPublic)
        {
            answer["client_secret"] = client.Secret;
            answer["client_secret_expires_at"] = 0;
        }
        return answer;
    }

    private static ValueTask<Answer> Refuse(RealmRequest request, int status, string error, string description)
    {
        request.Realm.Record("CLIENT_REGISTER_ERROR", null, request.Address, error: error, details: ("reason", description));
        return ValueTask.FromResult(Answer.Error(status, error, description));
    }

    private static void AllowOrigin(RealmRequest request)
    {
        if ((string?)request.Http.Request.Headers.Origin is { } origin && RegistrationPolicies.WebOrigins(request.Realm).Contains(origin))
        {
            Cors.Allow(request.Http, origin);
        }
    }
}
