using System.Buffers.Text;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Platform.Testing;

namespace Platform.Identity.Tests.Keycloak;

/// <summary>An MCP client's half of OAuth 2.1: authorization code with PKCE, refresh.</summary>
internal sealed class OAuthClient(string issuer, string clientId, string redirect) : IDisposable
{
    private readonly HttpClient _http = new();

    public SignInBrowser Browser { get; } = new();

    /// <summary>The query that came back to the redirect address, and the verifier that belongs to it.</summary>
    public async Task<(Dictionary<string, string> Callback, string Verifier)> AuthorizeAsync(
        string scope,
        string username,
        string password,
        bool consent = true,
        bool pkce = true,
        string? resource = null
    )
    {
        var verifier = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));
        var query = new Dictionary<string, string>
        {
            ["response_type"] = "code",
            ["client_id"] = clientId,
            ["redirect_uri"] = redirect,
            ["scope"] = scope,
            ["state"] = "state",
        };
        if (pkce)
        {
            query["code_challenge"] = Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(verifier)));
            query["code_challenge_method"] = "S256";
        }

        if (resource is not null)
        {
            query["resource"] = resource;
        }

        var url = new Uri(
            $"{issuer}/protocol/openid-connect/auth?"
                + string.Join('&', query.Select(pair => $"{pair.Key}={Uri.EscapeDataString(pair.Value)}"))
        );
        return (await Browser.SignInAsync(url, redirect, username, password, consent), verifier);
    }

    public async Task<JsonNode> SignInAsync(string scope, string username, string password)
    {
        var (callback, verifier) = await AuthorizeAsync(scope, username, password);
        Assert.True(callback.ContainsKey("code"), string.Join(' ', callback));
        return await ExchangeAsync(callback["code"], verifier);
    }

    public Task<JsonNode> ExchangeAsync(string code, string verifier) =>
        TokenAsync(
            new()
            {
                ["grant_type"] = "authorization_code",
                ["code"] = code,
                ["redirect_uri"] = redirect,
                ["code_verifier"] = verifier,
            }
        );

    public Task<JsonNode> RefreshAsync(JsonNode tokens) =>
        TokenAsync(new() { ["grant_type"] = "refresh_token", ["refresh_token"] = (string)tokens["refresh_token"]! });

    /// <summary>To an endpoint of the protocol, as this client.</summary>
    public Task<HttpResponseMessage> PostAsync(string endpoint, Dictionary<string, string> form)
    {
        form["client_id"] = clientId;
        return _http.PostAsync(new Uri($"{issuer}/protocol/openid-connect/{endpoint}"), new FormUrlEncodedContent(form));
    }

    public static JsonObject Claims(JsonNode tokens) =>
        JsonNode.Parse(Base64Url.DecodeFromChars(((string)tokens["access_token"]!).Split('.')[1]))!.AsObject();

    public void Dispose()
    {
        _http.Dispose();
        Browser.Dispose();
    }

    private async Task<JsonNode> TokenAsync(Dictionary<string, string> form)
    {
        using var response = await PostAsync("token", form);
        return (await response.Content.ReadFromJsonAsync<JsonNode>())!;
    }
}
