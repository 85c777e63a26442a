using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Platform.Demo;
using Platform.Servers;
using Platform.Testing;

namespace Platform.EndToEnd.Tests;

/// <summary>
/// The suite behind a genuine nginx that ends TLS, by the one setting PublicUrl and the configuration of docs/operations.md.
/// </summary>
public sealed class PublicUrlTests(PublicUrlTests.Suite suite) : IClassFixture<PublicUrlTests.Suite>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string Origin => $"https://localhost:{suite.Port}";

    [Fact]
    public async Task One_setting_drives_the_resource_its_metadata_and_the_challenge()
    {
        var nginx = await suite.RequireNginxAsync();
        Assert.Equal($"{Origin}/mcp", suite.Endpoints.Mcp.AbsoluteUri);
        using var stranger = new RawCalls(suite.Endpoints.Mcp, "plat_unknown", nginx.Handler());
        using var refused = await stranger.SendAsync("whoami", new { });
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        var address = $"{Origin}/.well-known/oauth-protected-resource/mcp";
        Assert.Contains($"resource_metadata=\"{address}\"", refused.Headers.WwwAuthenticate.ToString(), StringComparison.Ordinal);

        using var http = nginx.Client();
        var metadata = await http.GetFromJsonAsync<JsonElement>(new Uri(address), Cancellation);
        Assert.Equal($"{Origin}/mcp", metadata.GetProperty("resource").GetString());
        Assert.Equal($"{Origin}/realms/platform", metadata.GetProperty("authorization_servers")[0].GetString());
        Assert.Contains(
            $"The MCP URL is `{Origin}/mcp`. Sign-in is at `{Origin}/realms/platform`.",
            await http.GetStringAsync(new Uri($"{Origin}/connect"), Cancellation),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task A_personal_token_and_a_sign_in_work_through_the_proxy()
    {
        var nginx = await suite.RequireNginxAsync();
        using var byToken = new RawCalls(suite.Endpoints.Mcp, suite.Endpoints.Owner.Token, nginx.Handler());
        Assert.Equal("owner", Role(await byToken.CallAsync("whoami", new { })));

        var issuer = suite.RequireIssuer();
        Assert.Equal($"{Origin}/realms/platform", issuer.AbsoluteUri);
        using var http = nginx.Client();
        foreach (
            var form in new[]
            {
                "/.well-known/oauth-authorization-server/realms/platform",
                "/realms/platform/.well-known/openid-configuration",
            }
        )
        {
            var metadata = await http.GetFromJsonAsync<JsonElement>(new Uri(Origin + form), Cancellation);
            Assert.Equal(issuer.AbsoluteUri, metadata.GetProperty("issuer").GetString());
            Assert.StartsWith($"{issuer}/", metadata.GetProperty("authorization_endpoint").GetString(), StringComparison.Ordinal);
            Assert.StartsWith($"{issuer}/", metadata.GetProperty("token_endpoint").GetString(), StringComparison.Ordinal);
            Assert.StartsWith($"{issuer}/", metadata.GetProperty("jwks_uri").GetString(), StringComparison.Ordinal);
        }

        var access = await AuthorizationCode.SignInAsync(
            issuer,
            "mcp-public",
            "workspace:read",
            suite.Endpoints.Owner,
            Cancellation,
            nginx.Handler
        );
        using var bySignIn = new RawCalls(suite.Endpoints.Mcp, access, nginx.Handler());
        Assert.Equal("owner", Role(await bySignIn.CallAsync("whoami", new { })));
    }

    [Fact]
    public async Task A_mail_leads_to_the_public_page()
    {
        var nginx = await suite.RequireNginxAsync();
        var email = $"{Guid.NewGuid():n}@people.example";
        using var owner = new RawCalls(suite.Endpoints.Mcp, suite.Endpoints.Owner.Token, nginx.Handler());
        var invited = await owner.CallAsync("invite_members", new { invitations = new[] { new { email } } });
        Assert.False(invited.TryGetProperty("isError", out var failed) && failed.GetBoolean(), invited.GetRawText());
        Assert.Contains($"\n{Origin}/join?token=", await suite.Mailbox.ReadAsync(email), StringComparison.Ordinal);
    }

    private static string Role(JsonElement result) =>
        result.GetProperty("structuredContent").GetProperty("member").GetProperty("role").GetString()!;

    public sealed class Suite : RunningSuite, IAsyncLifetime
    {
        private Nginx? _nginx;

        internal int Port { get; } = FreePorts.Next();

        private protected override IEnumerable<string> Settings =>
            [$"--PublicUrl=https://localhost:{Port}/mcp", "--Edge:Proxies:0=127.0.0.1", "--Servers:Keycloak=embedded"];

        /// <summary>Skips the test that asks where there is none.</summary>
        internal async Task<Nginx> RequireNginxAsync() =>
            _nginx ??= await Nginx.StartAsync(Path.GetDirectoryName(Checkout.Artifacts)!, Port, UrlOf("edge"), Cancellation);

        async ValueTask IAsyncDisposable.DisposeAsync()
        {
            if (_nginx is not null)
            {
                await _nginx.DisposeAsync();
            }

            await base.DisposeAsync();
        }
    }
}
