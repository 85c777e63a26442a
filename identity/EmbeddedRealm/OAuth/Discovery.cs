using System.Text.Json.Nodes;
using Platform.Identity.EmbeddedRealm.State;
using Platform.Identity.EmbeddedRealm.Tokens;

namespace Platform.Identity.EmbeddedRealm.OAuth;

/// <summary>What the realm says of itself (RFC 8414, OpenID Connect Discovery). It names what is served, and nothing else.</summary>
internal static class Discovery
{
    private const string Hidden = "include.in.openid.provider.metadata";

    public static ValueTask<Answer> Metadata(RealmRequest request)
    {
        var realm = request.Realm;
        var protocol = $"{realm.Issuer}/protocol/openid-connect";
        var scopes = realm
            .State.ClientScopes.Where(scope => scope["attributes"]?[Hidden] is null || scope["attributes"]![Hidden].IsTrue())
            .Select(scope => (string)scope["name"]!);
        return ValueTask.FromResult(
            Answer.Json(
                new JsonObject
                {
                    ["issuer"] = realm.Issuer,
                    ["authorization_endpoint"] = $"{protocol}/auth",
                    ["token_endpoint"] = $"{protocol}/token",
                    ["userinfo_endpoint"] = $"{protocol}/userinfo",
                    ["end_session_endpoint"] = $"{protocol}/logout",
                    ["jwks_uri"] = $"{protocol}/certs",
                    ["revocation_endpoint"] = $"{protocol}/revoke",
                    ["registration_endpoint"] = $"{realm.Issuer}/clients-registrations/openid-connect",
                    ["grant_types_supported"] = new JsonArray("authorization_code", "refresh_token", "client_credentials"),
                    ["response_types_supported"] = new JsonArray("code"),
                    ["response_modes_supported"] = new JsonArray("query", "fragment"),
                    ["subject_types_supported"] = new JsonArray("public"),
                    ["id_token_signing_alg_values_supported"] = new JsonArray("RS256"),
                    ["token_endpoint_auth_methods_supported"] = new JsonArray("none", "client_secret_basic", "client_secret_post"),
                    ["revocation_endpoint_auth_methods_supported"] = new JsonArray("none", "client_secret_basic", "client_secret_post"),
                    ["code_challenge_methods_supported"] = new JsonArray("S256"),
                    ["scopes_supported"] = scopes.Prepend("openid").ToJson(),
                    ["claims_supported"] = new JsonArray("iss", "sub", "aud", "exp", "iat", "auth_time", "sid", "azp"),
                    ["prompt_values_supported"] = new JsonArray("none", "login", "consent"),
                    ["request_parameter_supported"] = false,
                    ["request_uri_parameter_supported"] = false,
                    ["authorization_response_iss_parameter_supported"] = true,
                }
            )
        );
    }

    public static ValueTask<Answer> Keys(RealmRequest request) =>
        ValueTask.FromResult(
            Answer.Json(
                new JsonObject
                {
                    ["keys"] = new JsonArray([
                        .. request.Realm.State.Keys.OrderByDescending(key => key.Priority).Select(SigningKeys.Published),
                    ]),
                }
            )
        );

    /// <summary>What Keycloak answers at the realm's own address.</summary>
    public static ValueTask<Answer> About(RealmRequest request) =>
        ValueTask.FromResult(
            Answer.Json(
                new JsonObject
                {
                    ["realm"] = request.Realm.Name,
                    ["token-service"] = $"{request.Realm.Issuer}/protocol/openid-connect",
                    ["served-by"] = "the embedded development realm, in the place of a Keycloak",
                }
            )
        );
}
