using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Platform.Demo;
using Platform.Demo.Steps;
using Platform.Servers;
using Platform.Testing;

namespace Platform.EndToEnd.Tests;

/// <summary>Signing in where the embedded realm is in the place of a Keycloak.</summary>
public abstract class EmbeddedRealmTests(RunningSuite suite)
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(30);

    private protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_official_client_registers_itself_signs_in_and_calls()
    {
        await RequireEmbeddedAsync();
        using var browser = new SignInBrowser();
        await using var agent = await Agent.ConnectAsync(
            suite.Endpoints.Mcp,
            "registered",
            SignIn.As(suite.Endpoints.Owner, browser, null),
            new CallLog(),
            Cancellation
        );
        Assert.Contains("Create and change records in your databases", browser.ConsentLines);
        var me = await agent.CallUntilAnsweredAsync("whoami", new { }, Cancellation);
        Assert.Equal("owner", me.GetProperty("member").GetProperty("role").GetString());
    }

    [Fact]
    public async Task A_disconnected_app_is_refused()
    {
        await RequireEmbeddedAsync();
        using var agent = new RawCalls(suite.Endpoints.Mcp, await SignInAsync("mcp-public", "workspace:read"));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(agent));

        using var governance = new HttpClient
        {
            BaseAddress = new Uri($"{suite.Endpoints.Governance}/"),
            DefaultRequestHeaders =
            {
                Authorization = new AuthenticationHeaderValue("Bearer", await SignInAsync("platform-governance", "openid")),
            },
        };
        var me = await governance.GetFromJsonAsync<JsonElement>("me", Cancellation);
        var apps = $"workspaces/{me.GetProperty("workspaces")[0].GetProperty("id").GetString()}/connected-apps";
        using var revoked = await governance.DeleteAsync(new Uri($"{apps}/mcp-public", UriKind.Relative), Cancellation);
        Assert.True(revoked.IsSuccessStatusCode, $"{(int)revoked.StatusCode}");
        var waited = Stopwatch.StartNew();
        while (await StatusAsync(agent) != HttpStatusCode.Unauthorized)
        {
            Assert.True(waited.Elapsed < _patience, "It is still let in.");
        }
    }

    [Fact]
    public async Task Somebody_without_an_account_is_invited_joins_and_signs_in()
    {
        await RequireEmbeddedAsync();
        await JoinTests.JoinAsync(suite, Cancellation);
    }

    private protected virtual async Task RequireEmbeddedAsync()
    {
        using var http = new HttpClient();
        var realm = await http.GetFromJsonAsync<JsonElement>(suite.RequireIssuer(), Cancellation);
        Assert.SkipUnless(realm.TryGetProperty("served-by", out _), WhyNot);
    }

    /// <summary>Why the suite has no embedded realm.</summary>
    private protected abstract string WhyNot { get; }

    private Task<string> SignInAsync(string clientId, string scope) =>
        AuthorizationCode.SignInAsync(suite.RequireIssuer(), clientId, scope, suite.Endpoints.Owner, Cancellation);

    private static async Task<HttpStatusCode> StatusAsync(RawCalls agent)
    {
        using var response = await agent.SendAsync("whoami", new { });
        return response.StatusCode;
    }
}

/// <summary>On a machine without a Keycloak the suite that the tests share has the embedded realm.</summary>
[Collection(TheSuite.Name)]
public sealed class EmbeddedRealmInTheSuiteTests(RunningSuite suite) : EmbeddedRealmTests(suite)
{
    private protected override string WhyNot => "The suite that the tests share has a Keycloak.";
}

/// <summary>On a machine with a Keycloak it takes a suite of its own.</summary>
public sealed class EmbeddedRealmDespiteKeycloakTests(EmbeddedRealmDespiteKeycloakTests.Suite suite)
    : EmbeddedRealmTests(suite),
        IClassFixture<EmbeddedRealmDespiteKeycloakTests.Suite>
{
    private protected override string WhyNot => "The AppHost runs with containers: only processes of this machine have the embedded realm.";

    private protected override Task RequireEmbeddedAsync()
    {
        Assert.SkipUnless(
            suite.HasStarted,
            $"There is no Keycloak: what the tests share has the embedded realm, and {nameof(EmbeddedRealmInTheSuiteTests)} ask it."
        );
        return base.RequireEmbeddedAsync();
    }

    public sealed class Suite : RunningSuite
    {
        /// <summary>Whether there is a Keycloak that the embedded realm is preferred to.</summary>
        internal bool HasStarted { get; private set; }

        private protected override IEnumerable<string> Settings => ["--Servers:Keycloak=embedded"];

        public override async ValueTask InitializeAsync()
        {
            HasStarted = KeycloakDistribution.Find(Checkout.Root, out _) is not null;
            if (HasStarted)
            {
                await base.InitializeAsync();
            }
        }
    }
}
