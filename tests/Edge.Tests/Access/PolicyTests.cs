using System.Net;
using System.Net.Http.Headers;
using Platform.Contracts;
using Platform.Edge.Tests.Fixture;
using Platform.Edge.Tests.Protocol;
using Platform.Identity.Contracts.V1;

namespace Platform.Edge.Tests.Access;

/// <summary>Who may do what. Every test has an edge of its own, since the cache would carry one test's caller into the next.</summary>
public sealed class PolicyTests : IAsyncLifetime
{
    private EdgeFixture _edge = null!;

    private FakeIdentity Identity => _edge.BackEnd.Identity;

    private string OAuth => _edge.BackEnd.Issuer.Issue(EdgeFixture.PublicUrl);

    public async ValueTask InitializeAsync() => _edge = await EdgeFixture.StartAsync();

    public ValueTask DisposeAsync() => _edge.DisposeAsync();

    private async Task<string> RefusedAsync(string reason) =>
        (await _edge.BackEnd.Audit.ArrivedAsync(r => r.Outcome == "refused" && r.Reason == reason)).Tool;

    [Fact]
    public async Task Without_a_token_the_challenge_names_the_metadata_and_every_ordinary_scope_of_the_tools()
    {
        using var response = await _edge.Http.SendAsync(Post.Call(_edge.Url, "get_thing"));
        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.Equal(
            "Bearer scope=\"databases.records:read databases.records:write databases.records:delete audit:read\", "
                + "resource_metadata=\"https://mcp.example.test/.well-known/oauth-protected-resource/mcp\"",
            response.Headers.WwwAuthenticate.ToString()
        );
    }

    [Theory]
    [InlineData("?toolsets=all&readOnly=true")]
    [InlineData("/?readOnly=true")]
    public async Task The_challenge_names_the_metadata_of_the_url_that_was_asked(string rest)
    {
        using var response = await _edge.Http.SendAsync(Post.Call(new Uri(_edge.Url + rest), "get_thing"));
        Assert.Contains(
            $"resource_metadata=\"https://mcp.example.test/.well-known/oauth-protected-resource/mcp{rest}\"",
            response.Headers.WwwAuthenticate.ToString(),
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("?readOnly=true", "databases.records:read audit:read")]
    [InlineData("?toolsets=things", "databases.records:read databases.records:write databases.records:delete")]
    [InlineData("?toolsets=things&readOnly=true", "databases.records:read")]
    [InlineData("?toolsets=trail,administration", "audit:read audit:write")]
    public async Task The_challenge_asks_for_what_the_url_leaves(string query, string scopes)
    {
        using var response = await _edge.Http.SendAsync(Post.Call(new Uri(_edge.Url + query), "get_thing"));
        Assert.Contains($"scope=\"{scopes}\"", response.Headers.WwwAuthenticate.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_challenge_can_be_read_by_a_listed_origin()
    {
        using var request = Post.Call(_edge.Url, "get_thing", change: r => r.Headers.Add("Origin", "https://mcp.example.test"));
        using var response = await _edge.Http.SendAsync(request);
        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.Equal("https://mcp.example.test", response.Headers.GetValues("Access-Control-Allow-Origin").Single());
        Assert.Contains("WWW-Authenticate", response.Headers.GetValues("Access-Control-Expose-Headers").Single(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("?toolset=things", "'toolset' is not known. Known keys: environment, readOnly, schemas, surface, toolsets, workspace")]
    [InlineData("?toolsets=things,nothing", "no toolset 'nothing'")]
    [InlineData("?surface=tiny", "takes named or compact")]
    [InlineData("?surface=", "takes named or compact")]
    [InlineData("?environment=", "takes the id, name or kind")]
    [InlineData("?toolsets=nothing", "no toolset 'nothing'. Known toolsets: administration, tables, things, trail")]
    [InlineData("?toolsets=", "takes names with commas. Known toolsets: administration, tables, things, trail")]
    [InlineData("?readOnly=yes", "takes true or false")]
    [InlineData("?readOnly=true&readOnly=false", "more than once")]
    [InlineData("?workspace=acme", "takes an id")]
    [InlineData("?access_token=abc", "'access_token' is not known")]
    public async Task A_query_that_is_not_understood_is_refused(string query, string problem)
    {
        using var response = await _edge.SendAsync("get_thing", """{"thingId":"1"}""", query);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains(
            problem,
            (await response.JsonAsync()).GetProperty("error").GetProperty("message").GetString(),
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("oidc")]
    [InlineData("oauth")]
    public async Task An_access_token_of_the_issuer_for_this_resource_passes(string form)
    {
        _edge.BackEnd.Issuer.Serves = form;
        Assert.False((await _edge.CallAsync("get_thing", """{"thingId":"1"}""", token: OAuth)).IsError());
        Assert.True(Identity.Requests.TryPeek(out var asked) && asked.AccessToken.Length > 0 && asked.PersonalToken.Length == 0);
    }

    [Fact]
    public async Task A_token_for_another_resource_or_of_another_issuer_or_expired_or_forged_is_refused_before_identity_is_asked()
    {
        var issuer = _edge.BackEnd.Issuer;
        foreach (
            var token in new[]
            {
                issuer.Issue("https://other.example/mcp"),
                issuer.Issue(EdgeFixture.PublicUrl, issuer: "https://evil.example"),
                issuer.Issue(EdgeFixture.PublicUrl, expires: DateTime.UtcNow.AddMinutes(-2)),
                issuer.Issue(EdgeFixture.PublicUrl, byStranger: true),
                issuer.Issue(EdgeFixture.PublicUrl, algorithm: "RS512"),
                "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.",
                "garbage",
                _edge.Token[..^1] + (_edge.Token[^1] == '0' ? '1' : '0'),
            }
        )
        {
            using var response = await _edge.SendAsync("get_thing", """{"thingId":"1"}""", token: token);
            Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
            Assert.Contains("error=\"invalid_token\"", response.Headers.WwwAuthenticate.ToString(), StringComparison.Ordinal);
        }
        Assert.Equal(0, Identity.Asked);
    }

    [Fact]
    public async Task A_token_that_lives_too_long_is_refused_before_identity_is_asked()
    {
        var issued = DateTime.UtcNow.AddMinutes(-1);
        foreach (var (life, status) in new[] { (60, HttpStatusCode.OK), (61, HttpStatusCode.Unauthorized) })
        {
            var token = _edge.BackEnd.Issuer.Issue(EdgeFixture.PublicUrl, issued: issued, expires: issued.AddMinutes(life));
            using var response = await _edge.SendAsync("get_thing", """{"thingId":"1"}""", token: token);
            Assert.Equal(status, response.StatusCode);
        }

        Assert.Equal(1, Identity.Asked);
    }

    [Fact]
    public async Task With_the_issuer_away_an_access_token_is_not_judged_and_a_personal_one_works()
    {
        _edge.BackEnd.Issuer.Serves = "nothing";
        using var response = await _edge.SendAsync("get_thing", """{"thingId":"1"}""", token: OAuth);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.False((await _edge.CallAsync("get_thing", """{"thingId":"1"}""")).IsError());
    }

    [Fact]
    public async Task Identity_is_asked_about_a_token_by_an_edge_that_shows_who_it_is()
    {
        await _edge.CallAsync("get_thing", """{"thingId":"1"}""");
        Assert.True(Identity.Requests.TryDequeue(out var asked));
        Assert.Equal((_edge.Token, ""), (asked.PersonalToken, asked.AccessToken));
        Assert.Equal(["fixture"], asked.Audiences);
        Assert.Equal("Bearer service-assertion-for-identity", Identity.Authorization);
    }

    [Theory]
    [InlineData(Refusal.UnknownToken, HttpStatusCode.Unauthorized)]
    [InlineData(Refusal.Expired, HttpStatusCode.Unauthorized)]
    [InlineData(Refusal.Revoked, HttpStatusCode.Unauthorized)]
    [InlineData(Refusal.NoMembership, HttpStatusCode.Forbidden)]
    [InlineData(Refusal.EmailNotVerified, HttpStatusCode.Forbidden)]
    [InlineData(Refusal.McpDisabled, HttpStatusCode.Forbidden)]
    [InlineData(Refusal.WorkspaceRequired, HttpStatusCode.BadRequest)]
    public async Task What_identity_refuses_does_not_pass_whatever_the_message(Refusal refusal, HttpStatusCode expected)
    {
        Identity.Refusal = refusal;
        using var call = await _edge.SendAsync("get_thing", """{"thingId":"1"}""");
        Assert.Equal(expected, call.StatusCode);
        Assert.Equal(expected == HttpStatusCode.Unauthorized, call.Headers.WwwAuthenticate.Count > 0);
        using var list = Post.ModernRequest(_edge.Url, "tools/list");
        list.Headers.Authorization = new AuthenticationHeaderValue("Bearer", _edge.Token);
        using var listed = await _edge.Http.SendAsync(list);
        Assert.Equal(expected, listed.StatusCode);
        Assert.Empty(_edge.BackEnd.Things.Calls);
    }

    [Fact]
    public async Task With_identity_away_nobody_passes()
    {
        Identity.IsAway = true;
        using var response = await _edge.SendAsync("get_thing", """{"thingId":"1"}""");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Equal("2", response.Headers.GetValues("Retry-After").Single());
        Assert.Empty(_edge.BackEnd.Things.Calls);
    }

    [Fact]
    public async Task A_tool_the_role_may_not_use_is_not_listed_and_says_which_permission_is_missing()
    {
        Identity.Role = Identity.ProductionRole = Roles.Viewer;
        Assert.Equal(["get_thing", "list_operations", "query"], await _edge.ListAsync());
        Assert.StartsWith(
            "PERMISSION_DENIED: echo_thing needs the permission databases.records:write",
            (await _edge.CallAsync("echo_thing", """{"thing":{}}""")).Text(),
            StringComparison.Ordinal
        );
        Assert.Equal("echo_thing", await RefusedAsync("PERMISSION_DENIED"));
    }

    [Fact]
    public async Task What_the_url_excludes_does_not_exist_behind_it()
    {
        using var response = await _edge.SendAsync("echo_thing", """{"thing":{}}""", "?toolsets=trail");
        var body = await response.JsonAsync();
        Assert.Equal(-32602, body.ErrorCode());
        Assert.Equal("Unknown tool: echo_thing", body.GetProperty("error").GetProperty("message").GetString());
    }

    [Fact]
    public async Task A_role_in_a_reachable_environment_lists_its_tools()
    {
        Identity.Role = Roles.Viewer;
        Identity.ProductionRole = Roles.Editor;
        Assert.DoesNotContain("echo_thing", await _edge.ListAsync());
        Identity.Switches.ProductionAccess = true;
        _edge.Token = Platform.Identity.Contracts.PersonalToken.Create();
        Assert.Contains("echo_thing", await _edge.ListAsync());
        Assert.DoesNotContain("echo_thing", await _edge.ListAsync("?environment=sandbox"));
    }

    [Fact]
    public async Task A_switch_against_writes_takes_them_off_the_list_and_refuses_them()
    {
        Identity.Switches.WriteAccess = false;
        Assert.Equal(["get_thing", "list_operations", "query", "read_trail"], await _edge.ListAsync());
        Assert.StartsWith("WRITES_NOT_ALLOWED", (await _edge.CallAsync("echo_thing", """{"thing":{}}""")).Text(), StringComparison.Ordinal);
        Assert.Equal("echo_thing", await RefusedAsync("WRITES_NOT_ALLOWED"));
    }

    [Fact]
    public async Task On_a_membership_that_is_only_remembered_everything_but_administration_goes_on()
    {
        Identity.MembershipAsOf = Google.Protobuf.WellKnownTypes.Timestamp.FromDateTimeOffset(DateTimeOffset.UnixEpoch);
        var refused = (await _edge.CallAsync("administer", "{}", query: "?toolsets=administration")).Text();
        Assert.StartsWith("UNAVAILABLE: The directory service cannot be reached", refused, StringComparison.Ordinal);
        Assert.Equal("administer", await RefusedAsync("UNAVAILABLE"));

        await _edge.CallAsync("get_thing", """{"thingId":"thg_1"}""");
        var record = await _edge.BackEnd.Audit.ArrivedAsync(arrived => arrived.Tool == "get_thing");
        Assert.Contains("\"membershipAsOf\":\"1970-01-01T00:00:00+00:00\"", record.Details.Utf8.ToStringUtf8(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_switch_speaks_before_the_permission_and_the_permission_before_the_scope()
    {
        Identity.Switches.WriteAccess = false;
        Identity.Role = Roles.Viewer;
        Identity.Scopes = ["databases.records:read"];
        Assert.StartsWith("WRITES_NOT_ALLOWED", (await _edge.CallAsync("echo_thing", """{"thing":{}}""")).Text(), StringComparison.Ordinal);
        Identity.Switches.WriteAccess = true;
        using var response = await _edge.SendAsync("echo_thing", """{"thing":{}}""", token: OAuth);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.StartsWith("PERMISSION_DENIED", (await response.JsonAsync()).GetProperty("result").Text(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_oauth_caller_that_lacks_a_scope_is_asked_to_step_up()
    {
        Identity.Scopes = ["databases.records:read"];
        var token = OAuth;
        Assert.Contains("echo_thing", await _edge.ListAsync(token: token));
        using var response = await _edge.SendAsync("echo_thing", """{"thing":{}}""", token: token);
        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
        var challenge = response.Headers.WwwAuthenticate.ToString();
        Assert.Contains("error=\"insufficient_scope\"", challenge, StringComparison.Ordinal);
        Assert.Contains("scope=\"databases.records:read databases.records:write\"", challenge, StringComparison.Ordinal);
        Assert.Contains("resource_metadata=", challenge, StringComparison.Ordinal);
        Assert.Equal("echo_thing", await RefusedAsync("INSUFFICIENT_SCOPE"));
    }

    [Fact]
    public async Task A_personal_token_that_lacks_a_scope_is_told_which()
    {
        Identity.Scopes = ["databases.records:read"];
        Assert.Equal(["get_thing", "list_operations", "query"], await _edge.ListAsync());
        var result = await _edge.CallAsync("echo_thing", """{"thing":{}}""");
        Assert.StartsWith(
            "INSUFFICIENT_SCOPE: The personal token lacks the scope databases.records:write.",
            result.Text(),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task The_url_narrows_to_toolsets_and_reads()
    {
        Assert.Equal(["delete_things", "echo_thing", "get_thing"], await _edge.ListAsync("?toolsets=things"));
        Assert.Equal(["get_thing"], await _edge.ListAsync("?toolsets=things&readOnly=true"));
        using var response = await _edge.SendAsync("echo_thing", """{"thing":{}}""", "?readOnly=true");
        Assert.Equal(-32602, (await response.JsonAsync()).ErrorCode());
    }

    [Fact]
    public async Task The_environment_of_the_url_cannot_be_left()
    {
        Identity.Switches.ProductionAccess = true;
        Assert.False((await _edge.CallAsync("get_thing", """{"thingId":"1","environment":"Sandbox"}""", "?environment=sandbox")).IsError());
        var result = await _edge.CallAsync("get_thing", """{"thingId":"1","environment":"production"}""", "?environment=sandbox");
        Assert.StartsWith("ENVIRONMENT_NOT_ALLOWED", result.Text(), StringComparison.Ordinal);
        var live = await _edge.CallAsync("get_thing", """{"thingId":"1"}""", "?environment=production");
        Assert.Equal("production", live.Structured().GetProperty("environment").GetProperty("kind").GetString());
    }

    [Theory]
    [InlineData(100)]
    [InlineData(101)]
    [InlineData(5000)]
    public async Task An_environment_that_nobody_has_is_refused_however_long_its_name_is(int length)
    {
        var arguments = $$$"""{"thing":{},"environment":"{{{new string('x', length)}}}"}""";
        Assert.True((await _edge.CallAsync("echo_thing", arguments)).IsError());
        Assert.Empty(_edge.BackEnd.Things.Calls);
    }

    [Fact]
    public async Task An_environment_that_may_not_be_reached_is_a_tool_error()
    {
        Assert.StartsWith(
            "PRODUCTION_NOT_ALLOWED",
            (await _edge.CallAsync("get_thing", """{"thingId":"1","environment":"production"}""")).Text(),
            StringComparison.Ordinal
        );
        Assert.StartsWith(
            "ENVIRONMENT_NOT_FOUND",
            (await _edge.CallAsync("get_thing", """{"thingId":"1","environment":"nowhere"}""")).Text(),
            StringComparison.Ordinal
        );
        Assert.Equal("get_thing", await RefusedAsync("PRODUCTION_NOT_ALLOWED"));
    }

    [Fact]
    public async Task A_tool_that_does_not_exist_is_unknown_and_recorded()
    {
        using var response = await _edge.SendAsync("no_such_tool");
        Assert.Equal(-32602, (await response.JsonAsync()).ErrorCode());
        Assert.Equal("no_such_tool", await RefusedAsync("UNKNOWN_TOOL"));
    }
}
