using System.Diagnostics;
using Platform.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.Identity.Contracts.V1;
using Platform.Identity.Service.Keycloak;
using Platform.Identity.Service.Realm;
using Platform.Testing;

namespace Platform.Identity.Tests.Keycloak;

[Collection(KeycloakServer.Collection)]
public sealed class KeycloakSignInTests(KeycloakSignInTests.BesideIt identity, KeycloakServer server)
    : SignInTests(identity, server),
        IClassFixture<KeycloakSignInTests.BesideIt>
{
    public sealed class BesideIt(PostgresFixture postgres, KeycloakServer server) : Fixture(postgres, server);
}

[Collection(EmbeddedRealm.Collection)]
public sealed class EmbeddedSignInTests(EmbeddedSignInTests.BesideIt identity, EmbeddedRealm server)
    : SignInTests(identity, server),
        IClassFixture<EmbeddedSignInTests.BesideIt>
{
    public sealed class BesideIt(PostgresFixture postgres, EmbeddedRealm server) : Fixture(postgres, server);
}

/// <summary>The service with a realm beside it: what people do there takes effect here.</summary>
public abstract partial class SignInTests(SignInTests.Fixture identity, RealmServer server) : IAsyncLifetime
{
    private const string Redirect = "http://127.0.0.1:54321/callback";
    private const string Password = "correct horse battery";

    private readonly string _username = $"u{Guid.NewGuid():N}";
    private KeycloakUser _user = null!;
    private Membership _member = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string Issuer => server.Issuer;

    public async ValueTask InitializeAsync()
    {
        await server.RequireAsync();
        await identity.Get<RealmWorkerProbe>().ReadyAsync();
        using var admin = server.Admin();
        _user = await new KeycloakUsers(admin).PutAsync(_username, $"{_username}@example.com", "Ada Example", Password, Cancellation);
        _member = identity.Directory.Add(Roles.Editor, email: _user.Email);
    }

    public ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task A_genuine_sign_in_is_bound_to_its_member_and_may_do_what_was_agreed_to()
    {
        using var client = new OAuthClient(Issuer, "claude", "http://localhost:50505/callback");
        var tokens = await client.SignInAsync("workspace:read databases.records:read audit:read", _username, Password);
        var response = await identity.ResolveAsync((string)tokens["access_token"]!, audiences: "data");
        Assert.Equal(Refusal.Unspecified, response.Refusal);
        Assert.Equal(_member.MemberId, response.Caller.MemberId);
        Assert.Equal(["databases.records:read", "workspace:read"], response.Caller.Permissions);
        Assert.Equal(["audit:read", "databases.records:read", "workspace:read"], response.Caller.Scopes.Order(StringComparer.Ordinal));
        Assert.Single(response.Assertions);
        Assert.Equal(Refusal.UnknownToken, (await identity.ResolveAsync((string?)tokens["refresh_token"] ?? "")).Refusal);
    }

    [Fact]
    public async Task An_agents_token_opens_no_governance_and_the_first_party_clients_token_nothing_else()
    {
        using var agent = new OAuthClient(Issuer, "mcp-public", Redirect);
        var agents = (string)(await agent.SignInAsync("workspace:read workspace:write", _username, Password))["access_token"]!;
        using (var governance = identity.Governance(agents))
        {
            Assert.Equal(403, (int)(await governance.GetAsync("me", Cancellation)).StatusCode);
        }

        using var person = new OAuthClient(Issuer, "platform-governance", "http://127.0.0.1:50123/governance/callback");
        var persons = (string)(await person.SignInAsync("openid", _username, Password))["access_token"]!;
        using (var governance = identity.Governance(persons))
        {
            Assert.Equal(200, (int)(await governance.GetAsync("me", Cancellation)).StatusCode);
        }

        Assert.Equal(Refusal.UnknownToken, (await identity.ResolveAsync(persons)).Refusal);
    }

    [Fact]
    public async Task A_disconnected_app_is_refused_at_once_and_cannot_refresh()
    {
        using var agent = new OAuthClient(Issuer, "mcp-public", Redirect);
        var tokens = await agent.SignInAsync("workspace:read", _username, Password);
        Assert.Equal(Refusal.Unspecified, (await identity.ResolveAsync((string)tokens["access_token"]!)).Refusal);

        using var person = new OAuthClient(Issuer, "platform-governance", "http://127.0.0.1:50123/governance/callback");
        using var governance = identity.Governance((string)(await person.SignInAsync("openid", _username, Password))["access_token"]!);
        Assert.Contains(
            "mcp-public",
            await governance.GetStringAsync($"workspaces/{_member.WorkspaceId}/connected-apps", Cancellation),
            StringComparison.Ordinal
        );
        (
            await governance.DeleteAsync($"workspaces/{_member.WorkspaceId}/connected-apps/mcp-public", Cancellation)
        ).EnsureSuccessStatusCode();

        Assert.Equal(Refusal.Revoked, (await identity.ResolveAsync((string)tokens["access_token"]!)).Refusal);
        Assert.Equal("invalid_grant", (string)(await agent.RefreshAsync(tokens))["error"]!);
    }

    [Fact]
    public async Task Demo_members_sign_in_with_the_passwords_of_the_file()
    {
        foreach (var role in new[] { Roles.Owner, Roles.Editor, Roles.Viewer })
        {
            identity.Directory.Add(role, email: $"{role}@demo.example");
        }

        await identity.Get<Service.Demo.DemoTokens>().WriteAsync(Cancellation);
        foreach (
            var member in System.Text.Json.Nodes.JsonNode.Parse(await File.ReadAllTextAsync(identity.CredentialsPath, Cancellation))![
                "members"
            ]!.AsArray()
        )
        {
            using var client = new OAuthClient(Issuer, "mcp-public", Redirect);
            var tokens = await client.SignInAsync("workspace:read", (string)member!["username"]!, (string)member["password"]!);
            Assert.Equal((string)member["role"]!, (await identity.ResolveAsync((string)tokens["access_token"]!)).Caller.Environment.Role);
        }
    }

    [Theory]
    [InlineData("the administrator ends the session")]
    [InlineData("the administrator signs the person out")]
    [InlineData("the administrator withdraws the consent")]
    [InlineData("the administrator disables the account")]
    public async Task What_happens_in_keycloak_takes_effect_within_seconds(string what)
    {
        using var agent = new OAuthClient(Issuer, "mcp-public", Redirect);
        var tokens = await agent.SignInAsync("workspace:read", _username, Password);
        var access = (string)tokens["access_token"]!;
        Assert.Equal(Refusal.Unspecified, (await identity.ResolveAsync(access)).Refusal);

        using var admin = server.Admin();
        await (
            what switch
            {
                "the administrator ends the session" => admin.DeleteAsync(
                    $"sessions/{(string)OAuthClient.Claims(tokens)["sid"]!}",
                    Cancellation
                ),
                "the administrator signs the person out" => admin.PostAsync($"users/{_user.Subject}/logout", null, Cancellation),
                "the administrator withdraws the consent" => admin.DeleteAsync($"users/{_user.Subject}/consents/mcp-public", Cancellation),
                _ => admin.PutAsync($"users/{_user.Subject}", new System.Text.Json.Nodes.JsonObject { ["enabled"] = false }, Cancellation),
            }
        );

        var waited = Stopwatch.StartNew();
        while ((await identity.ResolveAsync(access)).Refusal != Refusal.Revoked)
        {
            Assert.True(waited.Elapsed < TimeSpan.FromSeconds(10), "The token still works.");
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{what}: {waited.ElapsedMilliseconds} ms");
    }

    [Theory]
    [InlineData("the refresh token")]
    [InlineData("a refresh token of before")]
    [InlineData("the code")]
    public async Task What_is_used_a_second_time_ends_every_access_token_that_came_of_it_within_a_second(string what)
    {
        using var agent = new OAuthClient(Issuer, "mcp-public", Redirect);
        var (callback, verifier) = await agent.AuthorizeAsync("workspace:read", _username, Password);
        var first = await agent.ExchangeAsync(callback["code"], verifier);
        var second = await agent.RefreshAsync(first);
        var last = second;
        // Keycloak knows a token of before by the second in which it was made.
        while (what == "a refresh token of before" && IssuedAt(last) == IssuedAt(first))
        {
            last = await agent.RefreshAsync(last);
        }

        Assert.Equal(Refusal.Unspecified, await RefusalOfAsync(first));
        Assert.Equal(Refusal.Unspecified, await RefusalOfAsync(last));

        var replayed = what == "the code" ? await agent.ExchangeAsync(callback["code"], verifier) : await agent.RefreshAsync(first);
        var waited = Stopwatch.StartNew();
        Assert.Equal("invalid_grant", (string)replayed["error"]!);
        foreach (var tokens in (System.Text.Json.Nodes.JsonNode[])[first, second, last])
        {
            while (await RefusalOfAsync(tokens) != Refusal.Revoked)
            {
                Assert.True(waited.Elapsed < TimeSpan.FromSeconds(10), "The token still works.");
            }
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{what}: {waited.ElapsedMilliseconds} ms");

        // The same browser, which may still be signed in. Tokens say when they were made to the second.
        while (await RefusalOfAsync(await agent.SignInAsync("workspace:read", _username, Password)) != Refusal.Unspecified)
        {
            Assert.True(waited.Elapsed < TimeSpan.FromSeconds(10), "Nobody can sign in again.");
        }

        static long IssuedAt(System.Text.Json.Nodes.JsonNode tokens) => (long)OAuthClient.Claims(tokens)["iat"]!;

        async Task<Refusal> RefusalOfAsync(System.Text.Json.Nodes.JsonNode tokens) =>
            (await identity.ResolveAsync((string)tokens["access_token"]!)).Refusal;
    }

    /// <summary>Waits until the service has met the realm.</summary>
    internal sealed class RealmWorkerProbe(RealmState state)
    {
        public async Task ReadyAsync()
        {
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
            while (!state.IsReady)
            {
                patience.Token.ThrowIfCancellationRequested();
                await Task.Yield();
            }
        }
    }

    public abstract class Fixture(PostgresFixture postgres, RealmServer server) : IdentityFixture(postgres)
    {
        internal string CredentialsPath { get; } = Path.Combine(AppContext.BaseDirectory, $"demo-{Guid.NewGuid():N}.json");

        protected override void Configure(Microsoft.Extensions.DependencyInjection.IServiceCollection services) =>
            Microsoft.Extensions.DependencyInjection.ServiceCollectionServiceExtensions.AddSingleton<RealmWorkerProbe>(services);

        protected override IEnumerable<KeyValuePair<string, string?>> Settings() =>
            base.Settings()
                .Concat(
                    new Dictionary<string, string?>
                    {
                        ["environment"] = "Development",
                        ["Demo:Seed"] = "true",
                        ["Demo:CredentialsPath"] = CredentialsPath,
                        ["Keycloak:Url"] = server.Url,
                        ["Keycloak:ClientSecret"] = RealmServer.Secret,
                        ["Keycloak:Clients:platform-governance:RedirectUris:0"] = RealmServer.GovernanceRedirect,
                        ["Keycloak:RedirectHosts:0"] = "agents.example.com",
                        ["Keycloak:RedirectSchemes:0"] = "zed",
                    }
                );
    }
}
