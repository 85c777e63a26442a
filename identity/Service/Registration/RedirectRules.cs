using Microsoft.Extensions.Options;
using Platform.Identity.Service.Keycloak;
using Platform.Identity.Service.Realm;

namespace Platform.Identity.Service.Registration;

/// <summary>
/// Where a client that registers itself may be answered: on this computer, at a host or in an application that is known here. Whose address
/// it is decides who gets the code, so nothing else about a client matters as much.
/// </summary>
internal sealed class RedirectRules(IOptions<KeycloakOptions> options)
{
    // What the makers of clients publish; identity/realm/README.md names the sources.
    private static readonly string[] _hosts =
    [
        "callback.mistral.ai",
        "chatgpt.com",
        "claude.ai",
        "claude.com",
        "insiders.vscode.dev",
        "vscode.dev",
        "www.cursor.com",
    ];

    // Schemes that the operating system hands to an application (RFC 8252, section 7.1). PKCE makes a stolen code worthless.
    private static readonly string[] _schemes = ["cursor", "vscode", "vscode-insiders", "windsurf"];

    private readonly HashSet<string> _knownHosts = new(_hosts.Concat(options.Value.RedirectHosts), StringComparer.OrdinalIgnoreCase);
    private readonly HashSet<string> _knownSchemes = new(_schemes.Concat(options.Value.RedirectSchemes), StringComparer.OrdinalIgnoreCase);

    /// <summary>What is wrong with the address, the rule and the fix; null when codes may be sent there.</summary>
    public string? Problem(string address)
    {
        if (RedirectAddress.Problem(address) is { } problem)
        {
            return problem;
        }

        var uri = new Uri(address);
        if (RedirectAddress.IsLoopback(uri))
        {
            return null;
        }

        if (uri.Scheme == Uri.UriSchemeHttps)
        {
            return _knownHosts.Contains(uri.Host)
                ? null
                : $"is at {uri.Host}, which is not known here. Use an address on this computer (http://127.0.0.1/…), "
                    + "or ask the operator to add the host (Keycloak:RedirectHosts).";
        }

        return _knownSchemes.Contains(uri.Scheme)
            ? null
            : $"has the scheme {uri.Scheme}, which is not known here. Use an address on this computer (http://127.0.0.1/…), "
                + "or ask the operator to add the scheme (Keycloak:RedirectSchemes).";
    }

    /// <summary>Whether a page of this origin may register a client from a browser: only a client that could be answered there.</summary>
    public bool IsOriginKnown(string origin) => Problem(origin + "/") is null;

    /// <summary>The addresses as the realm has them: those on this computer match on every port.</summary>
    public static IEnumerable<string> ForRealm(IEnumerable<string> addresses) =>
        addresses
            .Select(address => new Uri(address) is var uri && RedirectAddress.IsLoopback(uri) ? RedirectAddress.WithoutPort(uri) : address)
            .Distinct(StringComparer.Ordinal);

    /// <summary>The origins of pages that may exchange codes at the token endpoint.</summary>
    public static IEnumerable<string> WebOrigins(IEnumerable<string> addresses) =>
        addresses
            .Select(address => new Uri(address))
            .Where(uri => uri.Scheme is "http" or "https")
            .Select(uri => uri.GetLeftPart(UriPartial.Authority))
            .Distinct(StringComparer.Ordinal);
}
