using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;

namespace Platform.EndToEnd.Tests;

[Collection(TheSuite.Name)]
public sealed class GovernanceTests(RunningSuite suite)
{
    private static readonly TimeSpan _second = TimeSpan.FromSeconds(1);
    private static readonly string[] _scopes = ["workspace:read"];
    private static readonly string[] _reveals = ["audit_stream_secret.read"];

    [Fact]
    public async Task A_revoked_token_is_refused_within_a_second()
    {
        suite.RequireIssuer();
        var cancellation = TestContext.Current.CancellationToken;
        using var governance = await SignInAsync("platform-governance", "openid");
        var me = await governance.GetFromJsonAsync<JsonElement>("me", cancellation);
        var tokens = $"workspaces/{me.GetProperty("workspaces")[0].GetProperty("id").GetString()}/personal-tokens";
        using var wanted = new StringContent(
            JsonSerializer.Serialize(
                new
                {
                    name = $"To be revoked {Guid.NewGuid():N}",
                    scopes = _scopes,
                    expiresInDays = 1,
                }
            ),
            new MediaTypeHeaderValue("application/json")
        );
        using var response = await governance.PostAsync(new Uri(tokens, UriKind.Relative), wanted, cancellation);
        var created = await response.Content.ReadFromJsonAsync<JsonElement>(cancellation);
        Assert.True(response.StatusCode == HttpStatusCode.Created, created.GetRawText());
        using var agent = new RawCalls(suite.Endpoints.Mcp, created.GetProperty("token").GetString()!);
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(agent));

        using var revoked = await governance.DeleteAsync($"{tokens}/{created.GetProperty("id").GetString()}", cancellation);
        var clock = Stopwatch.StartNew();
        Assert.True(revoked.IsSuccessStatusCode, $"{(int)revoked.StatusCode}");
        var last = TimeSpan.Zero;
        for (var began = clock.Elapsed; await StatusAsync(agent) == HttpStatusCode.OK; began = clock.Elapsed)
        {
            last = began;
            Assert.True(last < _second, $"Still taken {last.TotalMilliseconds:0} ms after the revocation.");
        }

        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(agent));
        TestContext.Current.TestOutputHelper!.WriteLine($"Last taken {last.TotalMilliseconds:0} ms after the revocation.");
    }

    [Fact]
    public async Task A_token_of_an_MCP_client_gets_403_at_the_governance_API()
    {
        suite.RequireIssuer();
        using var agent = await SignInAsync("mcp-public", "workspace:read");
        using var response = await agent.GetAsync("me", TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
    }

    [Fact]
    public async Task A_personal_token_gets_403_at_the_governance_API()
    {
        using var agent = Client(suite.Endpoints.Owner.Token);
        using var response = await agent.GetAsync("me", TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
    }

    [Fact]
    public async Task The_secret_of_a_stream_that_an_agent_made_is_for_people_alone()
    {
        suite.RequireIssuer();
        var cancellation = TestContext.Current.CancellationToken;
        using var calls = new RawCalls(suite.Endpoints.Mcp, suite.Endpoints.Owner.Token);
        // Nobody listens on port 9: a stream is made, and goes on when somebody does.
        var created = await calls.CallAsync(
            "create_audit_stream",
            new
            {
                type = "https",
                name = $"To nobody {Guid.NewGuid():N}",
                https = new { url = "http://127.0.0.1:9/" },
                environmentIds = new[] { await calls.FindSandboxAsync() },
                workspaceEvents = true,
            }
        );
        var streamId = created.GetProperty("structuredContent").GetProperty("stream").GetProperty("id").GetString();
        using var governance = await SignInAsync("platform-governance", "openid");
        var me = await governance.GetFromJsonAsync<JsonElement>("me", cancellation);
        var path = $"workspaces/{me.GetProperty("workspaces")[0].GetProperty("id").GetString()}/audit-streams/{streamId}/signing-secret";

        var revealed = await governance.GetFromJsonAsync<JsonElement>(path, cancellation);
        var secret = revealed.GetProperty("secret").GetString()!;
        Assert.StartsWith("whsec_", secret, StringComparison.Ordinal);
        using var rotation = await governance.PostAsync(path + "/rotate", null, cancellation);
        var rotated = await rotation.Content.ReadFromJsonAsync<JsonElement>(cancellation);
        Assert.Equal((secret, "unreachable"), (rotated.GetProperty("previousSecret").GetString(), rotated.GetProperty("test").GetString()));
        using var agent = Client(suite.Endpoints.Owner.Token);
        using var refused = await agent.GetAsync(path, cancellation);
        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);

        var preview = await calls.CallAsync("delete_audit_stream", new { streamId });
        var confirmation = preview.GetProperty("structuredContent").GetProperty("confirmation").GetString();
        var answers = new[]
        {
            created,
            await calls.CallAsync("list_audit_streams", new { }),
            preview,
            await calls.CallAsync("delete_audit_stream", new { streamId, confirmation }),
        };
        Assert.All(new[] { secret, rotated.GetProperty("secret").GetString()! }, hidden =>
            Assert.All(answers, answer => Assert.DoesNotContain(hidden, answer.GetRawText(), StringComparison.Ordinal))
        );
        var log = await calls.CallAsync("search_audit_events", new { targetId = streamId, actions = _reveals });
        var happened = Assert.Single(log.GetProperty("structuredContent").GetProperty("events").EnumerateArray());
        Assert.Equal(
            ("read", "platform-governance"),
            (happened.GetProperty("outcome").GetString(), happened.GetProperty("actor").GetProperty("clientId").GetString())
        );
    }

    private static async Task<HttpStatusCode> StatusAsync(RawCalls agent)
    {
        using var response = await agent.SendAsync("whoami", new { });
        return response.StatusCode;
    }

    private async Task<HttpClient> SignInAsync(string clientId, string scope) =>
        Client(
            await AuthorizationCode.SignInAsync(
                suite.RequireIssuer(),
                clientId,
                scope,
                suite.Endpoints.Owner,
                TestContext.Current.CancellationToken
            )
        );

    private HttpClient Client(string token) =>
        new()
        {
            BaseAddress = new Uri($"{suite.Endpoints.Governance}/"),
            DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Bearer", token) },
        };
}
