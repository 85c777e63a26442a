using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Options;
using Platform.Identity.EmbeddedRealm;
using Platform.Identity.Service.Keycloak;
using Platform.Identity.Service.Realm;

namespace Platform.Identity.Tests.Keycloak;

/// <summary>What the embedded realm keeps, for how long, and where it refuses to run.</summary>
public sealed class EmbeddedRealmStateTests : IAsyncLifetime
{
    private const string Redirect = "http://127.0.0.1:54321/callback";
    private const string Username = "ada";
    private const string Password = "correct horse battery";
    private const string AdminPassword = "bootstrap-of-the-tests";

    private readonly StoppedClock _clock = new();
    private readonly string _data = Path.Combine(AppContext.BaseDirectory, $"realm-{Guid.NewGuid():N}");
    private RealmOptions _options = null!;
    private RealmHost _host = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string Issuer => $"{_options.PublicUrl}/realms/platform";

    public async ValueTask InitializeAsync()
    {
        var port = Platform.Servers.FreePorts.Next();
        _options = new RealmOptions
        {
            DataDirectory = _data,
            Port = port,
            PublicUrl = $"http://127.0.0.1:{port}",
            Imports = [Path.Combine(LocalServers.LocalServer.Checkout, "identity", "realm")],
            Placeholders = new Dictionary<string, string> { ["PLATFORM_EDGE_URL"] = RealmServer.EdgeUrl },
            AdminUserName = "admin",
            AdminPassword = AdminPassword,
        };
        await StartAsync();
        using var admin = Admin();
        await new RealmReconciler(admin, RealmServer.File, "platform-identity", RealmServer.Secret).RunAsync(Cancellation);
        await new KeycloakUsers(admin).PutAsync(Username, "ada@example.com", "Ada Example", Password, Cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        System.IO.Directory.Delete(_data, recursive: true);
    }

    [Theory]
    [InlineData("Production")]
    [InlineData("Staging")]
    [InlineData("")]
    public void It_refuses_to_start_outside_development(string environment)
    {
        var refused = Assert.Throws<RealmStartException>(() => RealmHost.Build(environment, () => _options, _clock));
        Assert.Contains("Development alone", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_realm_from_its_file_differs_in_nothing_but_what_Keycloak_brings_along()
    {
        using var other = new EmptyFolder();
        await _host.DisposeAsync();
        _options = _options with { DataDirectory = other.Path };
        await StartAsync();
        using var admin = Admin();
        var changes = await new RealmReconciler(admin, RealmServer.File, "platform-identity", RealmServer.Secret).RunAsync(Cancellation);
        Assert.Equal(
            [
                "client account-console: default scope account added",
                "client account-console: default scope email added",
                "client account-console: default scope profile added",
                "client platform-governance: redirectUris",
                "client platform-identity: secret",
            ],
            changes.Order(StringComparer.Ordinal)
        );
    }

    [Fact]
    public async Task A_restart_keeps_keys_people_sessions_consents_and_events()
    {
        using var client = new OAuthClient(Issuer, "mcp-public", Redirect);
        var tokens = await client.SignInAsync("workspace:read", Username, Password);
        var keys = await KeysAsync();
        await RestartAsync();

        Assert.Equal(keys, await KeysAsync());
        var refreshed = await client.RefreshAsync(tokens);
        Assert.NotNull(refreshed["access_token"]);
        // Neither the password nor the consent is asked for again.
        var again = await client.SignInAsync("workspace:read", Username, "not asked for");
        Assert.Empty(client.Browser.ConsentLines);
        Assert.Equal(OAuthClient.Claims(tokens)["sid"]!.ToJsonString(), OAuthClient.Claims(again)["sid"]!.ToJsonString());
        using var admin = Admin();
        Assert.Equal(2, (await admin.ListAsync("events?type=LOGIN", Cancellation)).Count);
        Assert.Empty(await new RealmReconciler(admin, RealmServer.File, "platform-identity", RealmServer.Secret).RunAsync(Cancellation));
    }

    [Fact]
    public async Task A_used_refresh_token_is_still_a_used_one_after_a_restart()
    {
        using var client = new OAuthClient(Issuer, "mcp-public", Redirect);
        var first = await client.SignInAsync("workspace:read", Username, Password);
        var second = await client.RefreshAsync(first);
        await RestartAsync();
        Assert.Equal("invalid_grant", (string)(await client.RefreshAsync(first))["error"]!);
        Assert.Equal("invalid_grant", (string)(await client.RefreshAsync(second))["error"]!);
        await RestartAsync();
        Assert.Equal("invalid_grant", (string)(await client.RefreshAsync(second))["error"]!);
    }

    [Fact]
    public async Task Of_eight_uses_at_once_of_a_refresh_token_one_wins_and_the_session_ends()
    {
        using var client = new OAuthClient(Issuer, "mcp-public", Redirect);
        var tokens = await client.SignInAsync("workspace:read", Username, Password);
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => client.RefreshAsync(tokens)));
        var won = Assert.Single(answers, answer => answer["access_token"] is not null);
        Assert.Equal("invalid_grant", (string)(await client.RefreshAsync(won))["error"]!);
    }

    [Fact]
    public async Task The_wait_after_guessing_ends_and_grows()
    {
        using var client = new OAuthClient(Issuer, "mcp-public", Redirect);
        for (var i = 0; i < 5; i++)
        {
            await RefusedAsync(client, "wrong");
            _clock.Advance(TimeSpan.FromSeconds(2));
        }

        await RefusedAsync(client, Password);
        _clock.Advance(TimeSpan.FromSeconds(60));
        Assert.NotNull((await client.SignInAsync("workspace:read", Username, Password))["access_token"]);

        using var other = new OAuthClient(Issuer, "mcp-public", Redirect);
        await RefusedAsync(other, "wrong");
        await RefusedAsync(other, "wrong"); // Faster than a person types.
        await RefusedAsync(other, Password);
        _clock.Advance(TimeSpan.FromSeconds(61));
        Assert.NotNull((await other.SignInAsync("workspace:read", Username, Password))["access_token"]);
    }

    [Fact]
    public async Task A_session_ends_when_it_is_idle_and_staying_signed_in_outlives_it()
    {
        using var client = new OAuthClient(Issuer, "mcp-public", Redirect);
        var online = await client.SignInAsync("workspace:read", Username, Password);
        var offline = await client.SignInAsync("workspace:read offline_access", Username, Password);
        _clock.Advance(TimeSpan.FromHours(9));
        Assert.Equal("invalid_grant", (string)(await client.RefreshAsync(online))["error"]!);
        offline = await client.RefreshAsync(offline);
        for (var days = 25; days <= 75; days += 25)
        {
            _clock.Advance(TimeSpan.FromDays(25));
            offline = await client.RefreshAsync(offline);
            Assert.NotNull(offline["access_token"]);
        }

        _clock.Advance(TimeSpan.FromDays(16));
        Assert.Equal("invalid_grant", (string)(await client.RefreshAsync(offline))["error"]!);
    }

    [Fact]
    public async Task A_sign_in_goes_on_in_the_browser_that_began_it_alone()
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseCookies = false });
        var query =
            $"response_type=code&client_id=mcp-public&redirect_uri={Uri.EscapeDataString(Redirect)}&scope=workspace:read"
            + $"&code_challenge={new string('x', 43)}&code_challenge_method=S256";
        var page = await http.GetStringAsync(new Uri($"{Issuer}/protocol/openid-connect/auth?{query}"), Cancellation);
        var action = System.Net.WebUtility.HtmlDecode(page.Split("action=\"")[1].Split('"')[0]);
        using var response = await http.PostAsync(
            new Uri(action),
            new FormUrlEncodedContent(new Dictionary<string, string> { ["username"] = Username, ["password"] = Password }),
            Cancellation
        );
        Assert.Equal(400, (int)response.StatusCode);
    }

    [Fact]
    public async Task What_the_admin_API_does_not_have_is_not_taken_for_nothing_there()
    {
        using var admin = Admin();
        var refused = await Assert.ThrowsAsync<KeycloakUnavailableException>(() => admin.GetAsync("groups", Cancellation));
        Assert.Contains("501", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_realm_file_that_it_cannot_serve_is_refused_by_name()
    {
        using var admin = Admin();
        foreach (
            var (setting, value) in new (string, JsonNode)[]
            {
                ("identityProviders", new JsonArray()),
                ("passwordPolicy", "regexPattern(x)"),
                (
                    "clientScopes",
                    new JsonArray(
                        new JsonObject
                        {
                            ["name"] = "x",
                            ["protocolMappers"] = new JsonArray(new JsonObject { ["protocolMapper"] = "saml-role-list-mapper" }),
                        }
                    )
                ),
            }
        )
        {
            var file = new JsonObject { ["realm"] = "another", [setting] = value };
            var refused = await Assert.ThrowsAsync<KeycloakUnavailableException>(() => admin.CreateRealmAsync(file, Cancellation));
            Assert.Contains("embedded realm does not know", refused.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Nobody_else_may_read_its_keys()
    {
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(_data, "platform.realm.json")));
        }
    }

    private KeycloakAdmin Admin() =>
        new(
            new HttpClient(),
            Options.Create(
                new KeycloakOptions
                {
                    Url = _options.PublicUrl,
                    AdminUsername = "admin",
                    AdminPassword = AdminPassword,
                }
            ),
            TimeProvider.System
        );

    private async Task StartAsync()
    {
        _host = RealmHost.Build("Development", () => _options, _clock);
        await _host.StartAsync(Cancellation);
    }

    private async Task RestartAsync()
    {
        await _host.DisposeAsync();
        await StartAsync();
    }

    private async Task<string> KeysAsync()
    {
        using var http = new HttpClient();
        return (await http.GetFromJsonAsync<JsonNode>(new Uri($"{Issuer}/protocol/openid-connect/certs"), Cancellation))!.ToJsonString();
    }

    private static async Task RefusedAsync(OAuthClient client, string password) =>
        await Assert.ThrowsAsync<InvalidOperationException>(() => client.AuthorizeAsync("workspace:read", Username, password));

    /// <summary>Time passes only when a test says so: what is quick must not hang on the machine.</summary>
    private sealed class StoppedClock : TimeProvider
    {
        private DateTimeOffset _now = System.GetUtcNow();

        public override DateTimeOffset GetUtcNow() => _now;

        public void Advance(TimeSpan by) => _now += by;
    }

    private sealed class EmptyFolder : IDisposable
    {
        public string Path { get; } = System.IO.Directory.CreateTempSubdirectory("realm-").FullName;

        public void Dispose() => System.IO.Directory.Delete(Path, recursive: true);
    }
}
