using System.Buffers.Text;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Platform.Identity.Service.Keycloak;

namespace Platform.Identity.Tests.Keycloak;

// What is taken back, guessed, used twice or asked for by somebody else.
public abstract partial class RealmTests
{
    [Fact]
    public async Task A_new_key_signs_from_then_on_and_the_one_before_stays_published()
    {
        var cancellation = TestContext.Current.CancellationToken;
        using var client = new OAuthClient(Issuer, "mcp-public", Redirect);
        var before = await client.SignInAsync("workspace:read", Username, Password);
        var realm = (await _admin.GetAsync("", cancellation))!;
        var component = await _admin.PostAsync(
            "components",
            new JsonObject
            {
                ["name"] = "the next key",
                ["providerId"] = "rsa-generated",
                ["providerType"] = "org.keycloak.keys.KeyProvider",
                ["parentId"] = (string)realm["id"]!,
                ["config"] = new JsonObject { ["priority"] = new JsonArray("1000"), ["keySize"] = new JsonArray("2048") },
            },
            cancellation
        );
        try
        {
            var after = await client.RefreshAsync(before);
            Assert.NotEqual(KeyOf(before), KeyOf(after));
            var published = await PublishedAsync();
            Assert.Contains(KeyOf(before), published);
            Assert.Contains(KeyOf(after), published);
        }
        finally
        {
            await _admin.DeleteAsync($"components/{component}", CancellationToken.None);
        }

        Assert.Equal(KeyOf(before), KeyOf(await client.SignInAsync("workspace:read", Username, Password)));
    }

    [Fact]
    public async Task Guessing_locks_the_account_even_for_the_right_password_and_the_page_does_not_tell()
    {
        var cancellation = TestContext.Current.CancellationToken;
        var username = $"u{Guid.NewGuid():N}";
        var user = await new KeycloakUsers(_admin).PutAsync(username, $"{username}@example.com", "Guessed At", Password, cancellation);
        var failures = $"attack-detection/brute-force/users/{user.Subject}";
        using var client = new OAuthClient(Issuer, "mcp-public", Redirect);
        var said = await RefusedAsync(client, username, "wrong");
        // Two quick ones lock as well; on a slow machine they are not quick.
        while (!(bool)(await _admin.GetAsync(failures, cancellation))!["disabled"]!)
        {
            Assert.True((int)(await _admin.GetAsync(failures, cancellation))!["numFailures"]! < 5, "Five wrong passwords do not lock.");
            await RefusedAsync(client, username, "wrong");
        }

        Assert.Equal(said, await RefusedAsync(client, username, Password));
        Assert.Equal(said, await RefusedAsync(client, $"nobody-{username}", Password));
        await _admin.DeleteAsync(failures, cancellation);
        Assert.NotNull((await client.SignInAsync("workspace:read", username, Password))["access_token"]);
    }

    [Fact]
    public async Task A_revoked_refresh_token_is_good_no_longer_and_the_event_names_the_client()
    {
        using var client = new OAuthClient(Issuer, "cursor", "http://localhost:8787/callback");
        var tokens = await client.SignInAsync("audit:read", Username, Password);
        using (var response = await client.PostAsync("revoke", new() { ["token"] = (string)tokens["refresh_token"]! }))
        {
            Assert.True(response.IsSuccessStatusCode);
        }

        Assert.Equal("invalid_grant", (string)(await client.RefreshAsync(tokens))["error"]!);
        var subject = (string)OAuthClient.Claims(tokens)["sub"]!;
        Assert.Contains(await _admin.ListAsync("events?type=REVOKE_GRANT&max=20", TestContext.Current.CancellationToken), happened =>
            (string?)happened!["userId"] == subject && (string?)happened["details"]?["revoked_client"] == "cursor"
        );
    }

    [Fact]
    public async Task A_client_that_logs_out_ends_its_session()
    {
        var cancellation = TestContext.Current.CancellationToken;
        using var client = new OAuthClient(Issuer, "mcp-public", Redirect);
        var tokens = await client.SignInAsync("workspace:read", Username, Password);
        using (var response = await client.PostAsync("logout", new() { ["refresh_token"] = (string)tokens["refresh_token"]! }))
        {
            Assert.True(response.IsSuccessStatusCode);
        }

        Assert.Equal("invalid_grant", (string)(await client.RefreshAsync(tokens))["error"]!);
        var session = (string)OAuthClient.Claims(tokens)["sid"]!;
        Assert.Contains(await _admin.ListAsync("events?type=LOGOUT&max=20", cancellation), happened =>
            (string?)happened!["sessionId"] == session
        );
    }

    [Fact]
    public async Task A_code_works_once_and_its_second_use_takes_back_what_the_first_gave()
    {
        using var client = new OAuthClient(Issuer, "mcp-public", Redirect);
        var (callback, verifier) = await client.AuthorizeAsync("workspace:read", Username, Password);
        Assert.Equal("invalid_grant", (string)(await client.ExchangeAsync("unknown", verifier))["error"]!);
        var tokens = await client.ExchangeAsync(callback["code"], verifier);
        Assert.NotNull(tokens["access_token"]);
        Assert.Equal("invalid_grant", (string)(await client.ExchangeAsync(callback["code"], verifier))["error"]!);
        Assert.Equal("invalid_grant", (string)(await client.RefreshAsync(tokens))["error"]!);
    }

    [Fact]
    public async Task A_code_is_of_no_use_without_the_verifier()
    {
        using var client = new OAuthClient(Issuer, "mcp-public", Redirect);
        var (callback, verifier) = await client.AuthorizeAsync("workspace:read", Username, Password);
        Assert.Equal("invalid_grant", (string)(await client.ExchangeAsync(callback["code"], new string('x', verifier.Length)))["error"]!);
    }

    [Theory]
    [InlineData("mcp-public", "http://evil.example/callback")]
    [InlineData("mcp-public", "http://127.0.0.1.evil.example/callback")]
    [InlineData("mcp-public", "https://vscode.dev/redirect/../elsewhere")]
    [InlineData("claude", "http://localhost/callback/more")]
    [InlineData("cursor", "http://localhost:8788/callback")]
    public async Task Nobody_is_sent_to_an_address_that_the_client_does_not_have(string clientId, string redirect)
    {
        using var http = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false });
        var query =
            $"response_type=code&client_id={clientId}&redirect_uri={Uri.EscapeDataString(redirect)}&scope=workspace:read"
            + $"&code_challenge={new string('x', 43)}&code_challenge_method=S256";
        using var response = await http.GetAsync(
            new Uri($"{Issuer}/protocol/openid-connect/auth?{query}"),
            TestContext.Current.CancellationToken
        );
        Assert.Equal(400, (int)response.StatusCode);
        Assert.Null(response.Headers.Location);
    }

    [Fact]
    public async Task The_service_account_needs_its_secret()
    {
        Assert.True(await SignsInAsync(RealmServer.Secret));
        Assert.False(await SignsInAsync("another"));
        Assert.False(await SignsInAsync(""));

        async Task<bool> SignsInAsync(string secret)
        {
            using var http = new HttpClient();
            using var response = await http.PostAsync(
                new Uri($"{Issuer}/protocol/openid-connect/token"),
                new FormUrlEncodedContent(
                    new Dictionary<string, string>
                    {
                        ["grant_type"] = "client_credentials",
                        ["client_id"] = "platform-identity",
                        ["client_secret"] = secret,
                    }
                ),
                TestContext.Current.CancellationToken
            );
            return response.IsSuccessStatusCode;
        }
    }

    [Fact]
    public async Task A_person_administers_nothing()
    {
        using var client = new OAuthClient(Issuer, "mcp-public", Redirect);
        var tokens = await client.SignInAsync("workspace:read", Username, Password);
        using var http = new HttpClient { DefaultRequestHeaders = { Authorization = new("Bearer", (string)tokens["access_token"]!) } };
        foreach (var path in new[] { "users", "clients", "events", "components" })
        {
            using var response = await http.GetAsync(
                new Uri($"{server.Url}/admin/realms/platform/{path}"),
                TestContext.Current.CancellationToken
            );
            Assert.Equal((path, 403), (path, (int)response.StatusCode));
        }
    }

    private static string KeyOf(JsonNode tokens) =>
        (string)JsonNode.Parse(Base64Url.DecodeFromChars(((string)tokens["access_token"]!).Split('.')[0]))!["kid"]!;

    private async Task<IEnumerable<string>> PublishedAsync()
    {
        using var http = new HttpClient();
        var keys = await http.GetFromJsonAsync<JsonNode>(
            new Uri($"{Issuer}/protocol/openid-connect/certs"),
            TestContext.Current.CancellationToken
        );
        return keys!["keys"]!.AsArray().Select(key => (string)key!["kid"]!);
    }

    /// <summary>What the page says.</summary>
    private static async Task<string> RefusedAsync(OAuthClient client, string username, string password)
    {
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() =>
            client.AuthorizeAsync("workspace:read", username, password)
        );
        return refused.Message.Contains("Invalid username or password", StringComparison.Ordinal)
            ? "Invalid username or password"
            : refused.Message;
    }
}
