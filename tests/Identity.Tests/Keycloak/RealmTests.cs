using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Platform.Identity.Service.Keycloak;
using Platform.Identity.Service.Realm;

namespace Platform.Identity.Tests.Keycloak;

[Collection(KeycloakServer.Collection)]
public sealed class KeycloakRealmTests(KeycloakServer server) : RealmTests(server)
{
    // Whoever gave themselves an address could be invited to it, or keep its owner from being invited.
    [Fact]
    public async Task A_person_cannot_take_another_address()
    {
        var cancellation = TestContext.Current.CancellationToken;
        var issuer = $"{server.Url}/realms/platform";
        using var admin = server.Admin();
        var username = $"u{Guid.NewGuid():N}";
        var user = await new KeycloakUsers(admin).PutAsync(username, $"{username}@example.com", "Eve Example", Password, cancellation);
        using var client = new OAuthClient(issuer, "account-console", $"{issuer}/account/");
        var tokens = await client.SignInAsync("openid", username, Password);
        using var http = new HttpClient { DefaultRequestHeaders = { Authorization = new("Bearer", (string)tokens["access_token"]!) } };
        http.DefaultRequestHeaders.Accept.Add(new("application/json"));
        var account = (await http.GetFromJsonAsync<JsonObject>(new Uri($"{issuer}/account/"), cancellation))!;
        account["email"] = "somebody.else@example.com";
        account.Remove("userProfileMetadata");
        using var changed = await http.PostAsJsonAsync(new Uri($"{issuer}/account/"), account, cancellation);
        Assert.Equal(400, (int)changed.StatusCode);
        Assert.Equal($"{username}@example.com", (string)(await admin.GetAsync($"users/{user.Subject}", cancellation))!["email"]!);
    }
}

[Collection(EmbeddedRealm.Collection)]
public sealed class EmbeddedRealmTests(EmbeddedRealm server) : RealmTests(server);

/// <summary>The realm file, against every server of it.</summary>
public abstract partial class RealmTests(RealmServer server) : IAsyncLifetime
{
    private const string Redirect = "http://127.0.0.1:54321/callback";
    private const string Username = "ada";
    private protected const string Password = "correct horse battery";

    private KeycloakAdmin _admin = null!;

    private string Issuer => server.Issuer;

    public async ValueTask InitializeAsync()
    {
        await server.RequireAsync();
        _admin = server.Admin();
        await new KeycloakUsers(_admin).PutAsync(
            Username,
            "ada@example.com",
            "Ada Example",
            Password,
            TestContext.Current.CancellationToken
        );
    }

    public ValueTask DisposeAsync()
    {
        _admin?.Dispose();
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task A_second_reconciliation_changes_nothing()
    {
        Assert.Empty(await RealmServer.Reconciler(_admin).RunAsync(TestContext.Current.CancellationToken));
        Assert.False(_admin.IsBootstrap);
    }

    [Fact]
    public async Task What_was_changed_by_hand_is_changed_back()
    {
        var cancellation = TestContext.Current.CancellationToken;
        var scope = (await _admin.ListAsync("client-scopes", cancellation)).Single(scope => (string)scope!["name"]! == "basic")!;
        await _admin.PostAsync(
            $"client-scopes/{(string)scope["id"]!}/protocol-mappers/models",
            new JsonObject
            {
                ["name"] = "another audience",
                ["protocol"] = "openid-connect",
                ["protocolMapper"] = "oidc-audience-mapper",
                ["config"] = new JsonObject { ["included.custom.audience"] = "https://elsewhere.example", ["access.token.claim"] = "true" },
            },
            cancellation
        );
        var client = (await _admin.ListAsync("clients?clientId=claude", cancellation)).Single()!.AsObject();
        client["redirectUris"] = new JsonArray("https://elsewhere.example/*");
        client["consentRequired"] = false;
        await _admin.PutAsync($"clients/{(string)client["id"]!}", client, cancellation);
        await _admin.PutAsync("", new JsonObject { ["revokeRefreshToken"] = false }, cancellation);

        var changes = await RealmServer.Reconciler(_admin).RunAsync(cancellation);

        Assert.Equal(
            ["client claude: consentRequired, redirectUris", "realm: revokeRefreshToken", "scope basic: mapper another audience removed"],
            changes.Order(StringComparer.Ordinal)
        );
        Assert.Empty(await RealmServer.Reconciler(_admin).RunAsync(cancellation));
    }

    [Fact]
    public async Task A_client_without_a_known_address_is_answered_where_the_operator_says_and_nowhere_before()
    {
        var cancellation = TestContext.Current.CancellationToken;
        const string Callback = "https://oauth.example.com/oauth/user/oauthcallback";
        using var client = new OAuthClient(Issuer, "retool", Callback);
        await Assert.ThrowsAnyAsync<Exception>(() => client.SignInAsync("workspace:read", Username, Password));

        var file = RealmServer.LoadFile();
        file.AddRedirectUris("retool", [Callback]);
        Assert.Equal(
            ["client retool: redirectUris"],
            await new RealmReconciler(_admin, file, "platform-identity", RealmServer.Secret).RunAsync(cancellation)
        );
        Assert.Equal("retool", (string)OAuthClient.Claims(await client.SignInAsync("workspace:read", Username, Password))["azp"]!);

        Assert.Equal(["client retool: redirectUris"], await RealmServer.Reconciler(_admin).RunAsync(cancellation));
        await Assert.ThrowsAnyAsync<Exception>(() => client.SignInAsync("workspace:read", Username, Password));
    }

    [Fact]
    public async Task Metadata_lists_the_ordinary_scopes_and_no_others()
    {
        using var http = new HttpClient();
        var metadata = await http.GetFromJsonAsync<JsonNode>(
            new Uri($"{server.Url}/.well-known/oauth-authorization-server/realms/platform"),
            TestContext.Current.CancellationToken
        );
        Assert.Equal(
            [
                "audit:read",
                "databases.records:delete",
                "databases.records:read",
                "databases.records:write",
                "databases.schema:delete",
                "databases.schema:write",
                "directory:delete",
                "directory:read",
                "directory:write",
                "offline_access",
                "openid",
                "workspace:read",
            ],
            metadata!["scopes_supported"]!.AsArray().Select(scope => (string)scope!).Order(StringComparer.Ordinal)
        );
        Assert.Equal(Issuer, (string)metadata["issuer"]!);
    }

    [Fact]
    public async Task A_token_of_an_mcp_client_is_for_the_edge_alone_and_holds_what_was_agreed_to()
    {
        using var client = new OAuthClient(Issuer, "mcp-public", Redirect);
        var tokens = await client.SignInAsync("workspace:read databases.records:read", Username, Password);
        var claims = OAuthClient.Claims(tokens);
        Assert.Equal(RealmServer.EdgeUrl, (string)claims["aud"]!);
        Assert.Equal(Issuer, (string)claims["iss"]!);
        Assert.Equal("mcp-public", (string)claims["azp"]!);
        Assert.Equal(["databases.records:read", "workspace:read"], ((string)claims["scope"]!).Split(' ').Order(StringComparer.Ordinal));
        Assert.Equal(900, (long)claims["exp"]! - (long)claims["iat"]!);
        Assert.NotNull(claims["sub"]);
        Assert.NotNull(claims["sid"]);
        Assert.DoesNotContain(claims, claim =>
            claim.Key is "email" or "name" or "preferred_username" or "realm_access" or "resource_access"
        );
    }

    [Fact]
    public async Task Consent_names_each_scope_in_plain_words_and_a_step_up_asks_for_the_new_one_alone()
    {
        using var client = new OAuthClient(Issuer, "claude", "http://localhost:49152/callback");
        await client.SignInAsync("directory:read", Username, Password);
        Assert.Equal(["See organizations, their users and invitations"], client.Browser.ConsentLines);
        await client.SignInAsync("directory:read workspace:write", Username, Password);
        Assert.Equal(["Administration: change the workspace, its environments, members and roles"], client.Browser.ConsentLines);
    }

    [Fact]
    public async Task Saying_no_ends_in_access_denied()
    {
        using var client = new OAuthClient(Issuer, "mcp-public", Redirect);
        var (callback, _) = await client.AuthorizeAsync("directory:delete", Username, Password, consent: false);
        Assert.Equal("access_denied", callback["error"]);
        Assert.Equal(Issuer, callback["iss"]);
    }

    [Fact]
    public async Task A_request_without_pkce_is_refused()
    {
        using var client = new OAuthClient(Issuer, "mcp-public", Redirect);
        var (callback, _) = await client.AuthorizeAsync("workspace:read", Username, Password, pkce: false);
        Assert.Equal("invalid_request", callback["error"]);
    }

    [Fact]
    public async Task A_refresh_token_works_once_and_its_second_use_ends_the_session()
    {
        using var client = new OAuthClient(Issuer, "mcp-public", Redirect);
        var first = await client.SignInAsync("workspace:read", Username, Password);
        var second = await client.RefreshAsync(first);
        Assert.NotNull(second["access_token"]);
        Assert.Equal("invalid_grant", (string)(await client.RefreshAsync(first))["error"]!);
        Assert.Equal("invalid_grant", (string)(await client.RefreshAsync(second))["error"]!);
    }

    [Fact]
    public async Task Staying_signed_in_is_a_line_of_the_consent()
    {
        using var client = new OAuthClient(Issuer, "mcp-public", Redirect);
        var tokens = await client.SignInAsync("workspace:read offline_access", Username, Password);
        Assert.Contains(client.Browser.ConsentLines, line => line.Contains("90 days", StringComparison.Ordinal));
        Assert.NotNull((await client.RefreshAsync(tokens))["access_token"]);
    }

    [Fact]
    public async Task The_platforms_own_client_has_no_address_of_its_own_and_never_skips_the_consent()
    {
        var file = RealmFile.Load(null, new Dictionary<string, string>());
        var own = file.Json["clients"]!.AsArray().Single(client => (string?)client!["clientId"] == "platform-governance")!;
        Assert.Empty(own["redirectUris"]!.AsArray());

        using var client = new OAuthClient(Issuer, "platform-governance", "http://127.0.0.1:50124/governance/callback");
        var user = (await _admin.ListAsync($"users?username={Username}&exact=true", TestContext.Current.CancellationToken)).Single()!;
        await _admin.DeleteAsync($"users/{(string)user["id"]!}/consents/platform-governance", TestContext.Current.CancellationToken);
        await client.SignInAsync("openid", Username, Password);
        Assert.Equal(
            ["Decide what agents may do: make personal tokens, disconnect apps and change the switches"],
            client.Browser.ConsentLines
        );
    }

    [Fact]
    public async Task A_token_of_the_first_party_client_is_for_governance_alone()
    {
        const string Callback = "http://127.0.0.1:50123/governance/callback";
        using var client = new OAuthClient(Issuer, "platform-governance", Callback);
        var claims = OAuthClient.Claims(await client.SignInAsync("openid", Username, Password));
        Assert.Equal("platform-governance", (string)claims["aud"]!);
        Assert.Equal("platform-governance", (string)claims["azp"]!);
        Assert.NotNull(claims["sub"]);
        var (refused, _) = await client.AuthorizeAsync("openid workspace:read", Username, Password);
        Assert.Equal("invalid_scope", refused["error"]);
    }

    [Fact]
    public async Task Nobody_registers_a_client_at_the_realm_itself()
    {
        using var http = new HttpClient();
        foreach (var provider in new[] { "openid-connect", "default" })
        {
            using var response = await http.PostAsJsonAsync(
                new Uri($"{Issuer}/clients-registrations/{provider}"),
                new JsonObject { ["redirect_uris"] = new JsonArray(Redirect), ["redirectUris"] = new JsonArray(Redirect) },
                TestContext.Current.CancellationToken
            );
            Assert.False(response.IsSuccessStatusCode, provider);
        }
    }

    [Fact]
    public async Task A_password_alone_gives_no_token()
    {
        using var http = new HttpClient();
        foreach (var client in new[] { "mcp-public", "admin-cli", "platform-governance" })
        {
            using var response = await http.PostAsync(
                new Uri($"{Issuer}/protocol/openid-connect/token"),
                new FormUrlEncodedContent(
                    new Dictionary<string, string>
                    {
                        ["grant_type"] = "password",
                        ["client_id"] = client,
                        ["username"] = Username,
                        ["password"] = Password,
                    }
                ),
                TestContext.Current.CancellationToken
            );
            Assert.False(response.IsSuccessStatusCode, client);
        }
    }

    [Fact]
    public async Task The_account_console_gets_no_token_for_the_edge()
    {
        using var client = new OAuthClient(Issuer, "account-console", $"{Issuer}/account/");
        var claims = OAuthClient.Claims(await client.SignInAsync("openid", Username, Password));
        Assert.Equal("account", (string)claims["aud"]!);
        Assert.Contains("manage-account", claims["resource_access"]!["account"]!["roles"]!.AsArray().Select(role => (string)role!));
    }

    [Fact]
    public async Task The_issuer_does_not_follow_the_host_header()
    {
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri($"{Issuer}/.well-known/openid-configuration"))
        {
            Headers = { Host = "evil.example" },
        };
        using var response = await http.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(
            Issuer,
            (string)(await response.Content.ReadFromJsonAsync<JsonNode>(TestContext.Current.CancellationToken))!["issuer"]!
        );
    }
}
