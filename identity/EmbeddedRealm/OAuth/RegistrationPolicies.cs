using System.Text.Json.Nodes;
using Platform.Identity.EmbeddedRealm.State;

namespace Platform.Identity.EmbeddedRealm.OAuth;

/// <summary>The realm's policies for clients that register themselves without a token, by Keycloak's provider ids.</summary>
internal static class RegistrationPolicies
{
    public const string ProviderType = "org.keycloak.services.clientregistration.policy.ClientRegistrationPolicy";

    private static readonly string[] s_uris =
    [
        "client_uri",
        "logo_uri",
        "policy_uri",
        "tos_uri",
        "jwks_uri",
        "initiate_login_uri",
        "sector_identifier_uri",
    ];

    public static bool Has(ServedRealm realm, string provider) => Of(realm, provider).Any();

    /// <summary>Why the registration is refused, in Keycloak's words; null when it is not.</summary>
    public static string? Refusal(ServedRealm realm, JsonObject wanted, List<string> redirects, HashSet<string> scopes, string? address)
    {
        foreach (var config in Of(realm, "trusted-hosts"))
        {
            var trusted = config["trusted-hosts"]
                .Texts()
                .SelectMany(hosts => hosts.Split(',', StringSplitOptions.TrimEntries))
                .ToHashSet(StringComparer.OrdinalIgnoreCase);
            var uris = redirects.Concat(
                s_uris.Select(name => wanted[name] is JsonValue uri ? uri.ToString() : "").Where(uri => uri.Length > 0)
            );
            if (IsOn(config, "client-uris-must-match") && uris.Any(uri => !IsTrusted(uri, trusted)))
            {
                return Rejected("Trusted Hosts", "URI doesn't match any trusted host or trusted domain");
            }

            if (IsOn(config, "host-sending-registration-request-must-match") && (address is null || !trusted.Contains(address)))
            {
                return Rejected("Trusted Hosts", "Host not trusted.");
            }
        }
        foreach (var config in Of(realm, "allowed-client-templates"))
        {
            var allowed = config["allowed-client-scopes"].Texts().ToHashSet();
            if (IsOn(config, "allow-default-scopes"))
            {
                allowed.UnionWith(realm.State.DefaultScopes.Concat(realm.State.OptionalScopes));
            }

            if (scopes.Any(scope => !allowed.Contains(scope) || (scope != "openid" && realm.FindScope(scope) is null)))
            {
                return Rejected("Allowed Client Scopes", "Not permitted to use specified clientScope");
            }
        }
        foreach (var config in Of(realm, "max-clients"))
        {
            if (int.TryParse(config["max-clients"].Texts().FirstOrDefault(), out var max) && realm.State.Clients.Count >= max)
            {
                return Rejected("Max Clients Limit", $"It's allowed to have max {max} clients per realm");
            }
        }
        return null;
    }

    /// <summary>The origins of pages that may register.</summary>
    public static IEnumerable<string> WebOrigins(ServedRealm realm) =>
        Of(realm, "registration-web-origins").SelectMany(config => config["web-origins"].Texts());

    private static IEnumerable<JsonObject> Of(ServedRealm realm, string provider) =>
        realm
            .State.Components.Where(component =>
                (string?)component["providerType"] == ProviderType
                && (string?)component["providerId"] == provider
                && (string?)component["subType"] == "anonymous"
            )
            .Select(component => component["config"] as JsonObject ?? []);

    private static bool IsOn(JsonObject config, string setting) => config[setting].Texts().FirstOrDefault() == "true";

    private static bool IsTrusted(string text, HashSet<string> trusted) =>
        Uri.TryCreate(text, UriKind.Absolute, out var uri)
        && uri.Scheme is "http" or "https"
        && (
            trusted.Contains(uri.Host.Trim('[', ']'))
            || trusted.Any(host =>
                host.StartsWith("*.", StringComparison.Ordinal) && uri.Host.EndsWith(host[1..], StringComparison.OrdinalIgnoreCase)
            )
        );

    private static string Rejected(string policy, string details) =>
        $"Policy '{policy}' rejected request to client-registration service. Details: {details}";
}
