using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Platform.Identity.Service.Keycloak;
using Platform.Identity.Service.Realm;

namespace Platform.Identity.Tests.Keycloak;

[Collection(KeycloakServer.Collection)]
public sealed class KeycloakRealmTests(KeycloakServer server) : RealmTests(server);

[Collection(EmbeddedRealm.Collection)]
public sealed class EmbeddedRealmTests(EmbeddedRealm server) : RealmTests(server);

/// <summary>The realm file, against every server of it.</summary>
public abstract partial class RealmTests(RealmServer server) : IAsyncLifetime
{
    private const string Redirect = "http://127.0.0.1:54321/callback";
    private const string Username = "ada";
    private const string Password = "correct horse battery";

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

        var file = RealmFile.Load(null, new Dictionary<string, string> { ["PLATFORM_EDGE_URL"] = RealmServer.EdgeUrl });
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
        Assert.Equal(300, (long)claims["exp"]! - (long)claims["iat"]!);
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

    [Theory]
    [InlineData(null)]
    [InlineData("workspace:read directory:read")]
    [InlineData(
        "openid workspace:read databases.records:read databases.records:write databases.records:delete "
            + "databases.schema:write databases.schema:delete directory:read directory:write directory:delete audit:read offline_access"
    )]
    public async Task A_client_that_registers_itself_signs_in_and_can_step_up(string? scope)
    {
        var cancellation = TestContext.Current.CancellationToken;
        var events = new RealmEvents(_admin, TimeProvider.System);
        foreach (var earlier in await events.ReadAsync(cancellation))
        {
            events.Done(earlier);
        }

        var registered = await RegisterAsync(Redirect, scope);
        Assert.True(registered["client_id"] is not null, registered.ToJsonString());
        var clientId = (string)registered["client_id"]!;

        var happened = Assert.Single((await events.ReadAsync(cancellation)).OfType<RealmEvent.ClientRegistered>(), happened =>
            happened.ClientId == clientId
        );
        // Several at once, as replicas of the service would.
        var completed = await Task.WhenAll(
            Enumerable.Range(0, 4).Select(_ => new RegisteredClients(_admin, RealmServer.File).CompleteAsync(clientId, cancellation))
        );
        Assert.True(scope is not null || completed.All(changed => !changed));
        Assert.False(await new RegisteredClients(_admin, RealmServer.File).CompleteAsync(clientId, cancellation));
        events.Done(happened);
        Assert.DoesNotContain(await events.ReadAsync(cancellation), again => again.Id == happened.Id);

        using var client = new OAuthClient(Issuer, clientId, Redirect);
        Assert.Equal(
            RealmServer.EdgeUrl,
            (string)OAuthClient.Claims(await client.SignInAsync("workspace:read directory:read", Username, Password))["aud"]!
        );
        Assert.NotEmpty(client.Browser.ConsentLines);
        var claims = OAuthClient.Claims(await client.SignInAsync("workspace:read directory:read audit:write", Username, Password));
        Assert.Contains("audit:write", ((string)claims["scope"]!).Split(' '));
        Assert.Equal(["Administration: decide where the audit log is sent"], client.Browser.ConsentLines);
    }

    [Theory]
    [InlineData("https://elsewhere.example/callback")]
    [InlineData("elsewhere://callback")]
    [InlineData("http://127.0.0.1:54321/callback https://elsewhere.example/callback")]
    public async Task A_client_that_would_send_codes_elsewhere_cannot_register(string redirect) =>
        Assert.Contains("Trusted Hosts", (string)(await RegisterAsync(redirect, null))["error_description"]!, StringComparison.Ordinal);

    [Fact]
    public async Task Registration_with_a_scope_that_is_not_for_clients_is_refused() =>
        Assert.NotNull((await RegisterAsync(Redirect, "administration"))["error"]);

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

    private async Task<JsonNode> RegisterAsync(string redirect, string? scope)
    {
        using var http = new HttpClient();
        var body = new JsonObject
        {
            ["client_name"] = "A client",
            ["redirect_uris"] = new JsonArray([.. redirect.Split(' ')]),
            ["grant_types"] = new JsonArray("authorization_code", "refresh_token"),
            ["response_types"] = new JsonArray("code"),
            ["token_endpoint_auth_method"] = "none",
        };
        if (scope is not null)
        {
            body["scope"] = scope;
        }

        using var response = await http.PostAsJsonAsync(new Uri($"{Issuer}/clients-registrations/openid-connect"), body);
        return (await response.Content.ReadFromJsonAsync<JsonNode>())!;
    }
}
