using System.Buffers.Text;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Platform.Demo;
using Platform.Testing;

namespace Platform.EndToEnd.Tests;

/// <summary>Authorization code with PKCE by hand, for clients that are no MCP clients.</summary>
internal static class AuthorizationCode
{
    /// <summary>Where the platform's own client comes back to, on any port.</summary>
    public const string GovernanceRedirect = "http://127.0.0.1/governance/callback";

    /// <summary>The same with the port that is named here.</summary>
    public const string Redirect = "http://127.0.0.1:33419/governance/callback";

    /// <returns>The access token.</returns>
    public static async Task<string> SignInAsync(
        Uri issuer,
        string clientId,
        string scope,
        DemoMember member,
        CancellationToken cancellationToken,
        Func<HttpMessageHandler>? handler = null
    )
    {
        // As strict clients name it: the very URL that they were given, with its query.
        var resource = new Uri(issuer, "/mcp?toolsets=all").AbsoluteUri;
        var verifier = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));
        var query = new Dictionary<string, string>
        {
            ["response_type"] = "code",
            ["client_id"] = clientId,
            ["redirect_uri"] = Redirect,
            ["scope"] = scope,
            ["state"] = "state",
            ["resource"] = resource,
            ["code_challenge"] = Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(verifier))),
            ["code_challenge_method"] = "S256",
        };
        using var browser = new SignInBrowser(handler?.Invoke());
        var address = new Uri(
            $"{issuer}/protocol/openid-connect/auth?"
                + string.Join('&', query.Select(pair => $"{pair.Key}={Uri.EscapeDataString(pair.Value)}"))
        );
        var callback = await browser.SignInAsync(address, Redirect, member.Username, member.Password, cancellationToken: cancellationToken);
        using var http = handler is null ? new HttpClient() : new HttpClient(handler());
        using var form = new FormUrlEncodedContent(
            new Dictionary<string, string>
            {
                ["grant_type"] = "authorization_code",
                ["client_id"] = clientId,
                ["code"] = callback["code"],
                ["redirect_uri"] = Redirect,
                ["code_verifier"] = verifier,
                ["resource"] = resource,
            }
        );
        using var response = await http.PostAsync(new Uri($"{issuer}/protocol/openid-connect/token"), form, cancellationToken);
        return (await response.Content.ReadFromJsonAsync<JsonElement>(cancellationToken)).GetProperty("access_token").GetString()!;
    }
}
