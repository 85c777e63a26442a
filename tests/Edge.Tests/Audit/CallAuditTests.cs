using System.Text.Json;
using Platform.Edge.Tests.Fixture;
using Platform.Edge.Tests.Protocol;
using Platform.Identity.Contracts.V1;
using Platform.Testing;

namespace Platform.Edge.Tests.Audit;

public sealed class CallAuditTests : IAsyncLifetime
{
    private EdgeFixture _edge = null!;

    private FakeAudit Audit => _edge.BackEnd.Audit;

    public async ValueTask InitializeAsync() => _edge = await EdgeFixture.StartAsync();

    public ValueTask DisposeAsync() => _edge.DisposeAsync();

    [Fact]
    public async Task A_read_is_recorded_with_who_what_where_and_why_it_was_allowed()
    {
        var id = Contracts.Ids.Format("thg", Contracts.Ids.New());
        await _edge.CallAsync("get_thing", $$"""{"thingId":"{{id}}"}""");
        var record = await Audit.ArrivedAsync(r => r.Tool == "get_thing");
        var identity = _edge.BackEnd.Identity;
        Assert.Equal(
            ("read", "thing.read", identity.Workspace, identity.Sandbox, "sandbox"),
            (record.Outcome, record.Action, record.WorkspaceId, record.EnvironmentId, record.EnvironmentKind)
        );
        Assert.Equal(
            ("member", identity.Member, "admin", "tok_1", "test-client"),
            (record.Actor.Kind, record.Actor.Id, record.Actor.Role, record.Actor.TokenId, record.Actor.ClientId)
        );
        Assert.Equal(("thing", id), (record.Targets.Single().Kind, record.Targets.Single().Ids.Single()));
        Assert.Contains("databases.records:read", record.Permissions);
        Assert.Equal(_edge.BackEnd.Things.Calls.Single().Headers.GetValue("x-call-id"), record.CallId);
        using var details = JsonDocument.Parse(record.Details.Utf8.Memory);
        Assert.True(details.RootElement.GetProperty("switches").GetProperty("writeAccess").GetBoolean());
        Assert.Contains("audit:write", details.RootElement.GetProperty("scopes").EnumerateArray().Select(scope => scope.GetString()));
        Assert.True(record.DurationMicroseconds > 0);
    }

    [Fact]
    public async Task What_is_no_id_is_not_taken_for_one()
    {
        await _edge.CallAsync("get_thing", """{"thingId":"my password is hunter2"}""");
        Assert.Empty((await Audit.ArrivedAsync(r => r.Tool == "get_thing")).Targets);
    }

    [Fact]
    public async Task A_committed_change_is_not_recorded_twice_but_all_else_is()
    {
        await _edge.CallAsync("echo_thing", """{"thing":{}}""");
        _edge.BackEnd.Things.EchoOutcome = "replayed";
        await _edge.CallAsync("echo_thing", """{"thing":{}}""");
        await Audit.ArrivedAsync(r => r.Outcome == "replayed");
        Assert.Single(Audit.Records);
    }

    [Fact]
    public async Task Numbers_are_consecutive_in_a_workspace()
    {
        await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => _edge.CallAsync("get_thing", """{"thingId":"1"}""")));
        await Audit.ArrivedAsync(r => r.Number == 40);
        await Eventually.True(() => Audit.Records.Count >= 40);
        Assert.Equal(Enumerable.Range(1, 40).Select(n => (long)n), Audit.Records.Select(r => r.Number).Order());
        Assert.Single(Audit.Instances.Distinct());
    }

    [Fact]
    public async Task A_refusal_is_recorded_before_it_is_answered()
    {
        await _edge.CallAsync("get_thing", "{}");
        Assert.Contains(Audit.Records, r => r is { Outcome: "refused", Reason: "INVALID_ARGUMENT", Tool: "get_thing" });
        using (await _edge.SendAsync("no_such_tool"))
        {
            Assert.Contains(Audit.Records, r => r is { Outcome: "refused", Reason: "UNKNOWN_TOOL", Tool: "no_such_tool" });
        }
    }

    [Theory]
    [InlineData("""{"name":"nothing"}""", "UNKNOWN_OPERATION")]
    [InlineData("""{"toolset":"nothing"}""", "UNKNOWN_TOOLSET")]
    [InlineData("""{"cursor":"nothing"}""", "INVALID_ARGUMENT")]
    public async Task A_refusal_to_list_operations_is_recorded(string arguments, string reason)
    {
        Assert.StartsWith(reason, (await _edge.CallAsync("list_operations", arguments)).Text(), StringComparison.Ordinal);
        var record = Assert.Single(Audit.Records);
        Assert.Equal(("refused", reason, "list_operations"), (record.Outcome, record.Reason, record.Tool));
    }

    [Theory]
    [InlineData("tools/call", """ "name":"get_thing","requestState":5 """, "INVALID_ARGUMENT", "get_thing")]
    [InlineData("tools/call", """ "name":5 """, "INVALID_ARGUMENT", "")]
    [InlineData("prompts/get", """ "name":"no_such_prompt" """, "INVALID_ARGUMENT", "")]
    [InlineData("prompts/list", """ "cursor":"zzz" """, "INVALID_ARGUMENT", "")]
    [InlineData("completion/complete", """ "ref":5,"argument":{} """, "INVALID_ARGUMENT", "completion/complete")]
    [InlineData("tasks/get", "", "UNKNOWN_METHOD", "")]
    public async Task What_a_method_refuses_is_recorded(string method, string parameters, string reason, string tool)
    {
        using var request = Post.Raw(_edge.Url, $$"""{"jsonrpc":"2.0","id":1,"method":"{{method}}","params":{ {{parameters}} } }""");
        request.Headers.Authorization = new("Bearer", _edge.Token);
        using var response = await _edge.Http.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Contains((await response.JsonAsync()).ErrorCode(), (int[])[-32601, -32602]);
        var record = Assert.Single(Audit.Records);
        Assert.Equal(
            ("refused", reason, tool, _edge.BackEnd.Identity.Member),
            (record.Outcome, record.Reason, record.Tool, record.Actor.Id)
        );
        using var details = JsonDocument.Parse(record.Details.Utf8.Memory);
        Assert.Equal(tool.Length == 0, details.RootElement.TryGetProperty("method", out var told) && told.GetString() == method);
    }

    [Fact]
    public async Task A_sensitive_read_is_recorded_before_it_is_answered_and_not_answered_without()
    {
        Assert.Equal(3, (await _edge.CallAsync("read_trail")).Structured().GetProperty("count").GetInt32());
        Assert.Contains(Audit.Records, r => r is { Outcome: "read", Tool: "read_trail" });

        Audit.IsAway = true;
        var result = await _edge.CallAsync("read_trail");
        Assert.StartsWith("UNAVAILABLE", result.Text(), StringComparison.Ordinal);
        Assert.DoesNotContain("\"count\"", result.ToString(), StringComparison.Ordinal);
        Assert.False((await _edge.CallAsync("get_thing", """{"thingId":"1"}""")).IsError());
    }

    [Fact]
    public async Task A_read_in_production_is_a_sensitive_one()
    {
        _edge.BackEnd.Identity.Switches.ProductionAccess = true;
        Audit.IsAway = true;
        Assert.StartsWith(
            "UNAVAILABLE",
            (await _edge.CallAsync("get_thing", """{"thingId":"1","environment":"production"}""")).Text(),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task A_strict_workspace_demands_it_of_every_read()
    {
        _edge.BackEnd.Identity.Switches.StrictAudit = true;
        await _edge.CallAsync("get_thing", """{"thingId":"1"}""");
        Assert.Contains(Audit.Records, r => r.Tool == "get_thing");
        Audit.IsAway = true;
        Assert.StartsWith("UNAVAILABLE", (await _edge.CallAsync("get_thing", """{"thingId":"1"}""")).Text(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"elicitation":{}}""")]
    public async Task A_strict_workspace_demands_it_of_every_preview(string capabilities)
    {
        _edge.BackEnd.Identity.Switches.StrictAudit = true;
        Audit.IsAway = true;
        var result = await _edge.CallAsync("delete_things", """{"thingIds":["1","2"]}""", capabilities: capabilities);
        Assert.StartsWith("UNAVAILABLE", result.Text(), StringComparison.Ordinal);
        Assert.DoesNotContain("sealed", result.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Reads_made_while_audit_was_away_arrive_once_it_is_back()
    {
        Audit.IsAway = true;
        await _edge.CallAsync("get_thing", """{"thingId":"1"}""");
        Audit.IsAway = false;
        Assert.Equal("read", (await Audit.ArrivedAsync(r => r.Tool == "get_thing")).Outcome);
    }

    [Fact]
    public async Task A_refusal_stays_a_refusal_without_audit_and_outlives_a_restart()
    {
        Audit.IsAway = true;
        Assert.StartsWith("INVALID_ARGUMENT", (await _edge.CallAsync("get_thing", "{}")).Text(), StringComparison.Ordinal);
        await _edge.CallAsync("get_thing", """{"thingId":"1"}""");
        var spool = _edge.Spool;
        await _edge.StopEdgeAsync();
        // One, or two where audit was tried again between the two calls.
        var left = System.IO.Directory.GetFiles(spool);
        Assert.NotEmpty(left);
        foreach (var file in left)
        {
            if (!OperatingSystem.IsWindows())
            {
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
            }
        }

        Audit.IsAway = false;
        await using var next = await EdgeFixture.StartAsync(_edge.BackEnd, spool: spool);
        var refused = await Audit.ArrivedAsync(r => r.Outcome == "refused");
        var read = await Audit.ArrivedAsync(r => r.Outcome == "read");
        Assert.Equal([1, 2], new[] { refused.Number, read.Number }.Order());
        Assert.Single(Audit.Instances.Distinct());
        // What is left is how far the next one has counted.
        await Eventually.True(() => System.IO.Directory.GetFiles(spool) is [var own] && own.EndsWith(".numbers", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Reads_made_while_audit_was_away_outlive_an_edge_that_is_killed()
    {
        Audit.IsAway = true;
        for (var i = 0; i < 60; i++)
        {
            Assert.False((await _edge.CallAsync("get_thing", """{"thingId":"1"}""")).IsError());
        }

        await Eventually.True(() => Files(_edge.Spool, ".calls").Sum(file => new FileInfo(file).Length) > 60 * 100);
        var left = await KillAsync();
        Audit.IsAway = false;
        await using var next = await EdgeFixture.StartAsync(_edge.BackEnd, spool: left);
        await Eventually.True(() => Audit.Records.Select(record => record.Number).Distinct().Count() >= 60);
        Assert.All(Audit.Records, record => Assert.Equal("read", record.Outcome));
    }

    [Fact]
    public async Task What_a_killed_edge_had_numbered_and_not_sent_is_told_by_the_next_one()
    {
        await using var edge = await EdgeFixture.StartAsync(_edge.BackEnd, settings: ("Edge:Audit:BatchEvery", "00:00:01"));
        for (var i = 0; i < 3; i++)
        {
            await edge.CallAsync("get_thing", """{"thingId":"1"}""");
        }

        var left = await KillAsync(edge.Spool);
        var instance = Path.GetFileNameWithoutExtension(Assert.Single(Files(left, ".numbers")));
        await using var next = await EdgeFixture.StartAsync(_edge.BackEnd, spool: left);
        var told = await Eventually.Found(() => Audit.Told.FirstOrDefault(told => told.Instance == instance));
        Assert.Equal((_edge.BackEnd.Identity.Workspace, 3), (Assert.Single(told.LastNumbers).WorkspaceId, told.LastNumbers[0].Number));
        await Eventually.True(() => Files(left, ".numbers").All(file => !file.Contains(instance, StringComparison.Ordinal)));
    }

    [Fact]
    public async Task An_orderly_end_tells_how_far_it_has_counted_and_leaves_nothing()
    {
        await _edge.CallAsync("get_thing", """{"thingId":"1"}""");
        await Audit.ArrivedAsync(r => r.Tool == "get_thing");
        // The look at what earlier runs have left comes first.
        await Eventually.True(() => !Audit.Records.IsEmpty);
        var spool = _edge.Spool;
        await _edge.StopEdgeAsync();
        Assert.Equal(1, Assert.Single(Assert.Single(Audit.Told).LastNumbers).Number);
        Assert.Empty(System.IO.Directory.GetFiles(spool));
    }

    [Fact]
    public async Task Calls_of_which_nobody_could_say_who_made_them_have_failed_and_are_counted()
    {
        _edge.BackEnd.Identity.IsAway = true;
        for (var i = 0; i < 30; i++)
        {
            using var response = await _edge.SendAsync("get_thing", """{"thingId":"1"}""");
            Assert.Equal(System.Net.HttpStatusCode.ServiceUnavailable, response.StatusCode);
        }

        var record = await Audit.ArrivedAsync(r => r.Reason == "UNAVAILABLE");
        Assert.Equal(("failed", "unknown"), (record.Outcome, record.Actor.Kind));
        Assert.Single(Audit.Records, r => r.Reason == "UNAVAILABLE");
    }

    private static string[] Files(string folder, string extension) => System.IO.Directory.GetFiles(folder, $"*{extension}");

    // What is on disk at this moment, as a killed process would leave it.
    private async Task<string> KillAsync(string? spool = null)
    {
        var left = System.IO.Directory.CreateTempSubdirectory("edge-killed").FullName;
        using var copy = System.Diagnostics.Process.Start("cp", ["-r", $"{spool ?? _edge.Spool}/.", left]);
        await copy.WaitForExitAsync(TestContext.Current.CancellationToken);
        return left;
    }

    [Fact]
    public async Task A_flood_of_unknown_callers_does_not_fill_the_log()
    {
        var forged = _edge.BackEnd.Issuer.Issue(EdgeFixture.PublicUrl, byStranger: true);
        for (var i = 0; i < 60; i++)
        {
            using var response = await _edge.SendAsync("get_thing", token: forged);
        }
        await Audit.ArrivedAsync(r => r is { Reason: "UNKNOWN_TOKEN", WorkspaceId: "", Actor.Kind: "unknown" });
        await _edge.CallAsync("get_thing", """{"thingId":"1"}""");
        await Audit.ArrivedAsync(r => r.Tool == "get_thing" && r.Outcome == "read");
        Assert.Single(Audit.Records, r => r.Reason == "UNKNOWN_TOKEN");
    }

    [Fact]
    public async Task A_flood_from_an_account_without_a_workspace_does_not_fill_the_log()
    {
        (_edge.BackEnd.Identity.Refusal, _edge.BackEnd.Identity.Stranger) = (Refusal.NoMembership, true);
        var token = _edge.BackEnd.Issuer.Issue(EdgeFixture.PublicUrl);
        for (var i = 0; i < 30; i++)
        {
            using var response = await _edge.SendAsync("get_thing", """{"thingId":"1"}""", token: token);
        }

        await Audit.ArrivedAsync(r => r is { Reason: "NO_MEMBERSHIP", WorkspaceId: "" });
        (_edge.BackEnd.Identity.Refusal, _edge.BackEnd.Identity.Stranger) = (Refusal.Unspecified, false);
        await _edge.CallAsync("get_thing", """{"thingId":"1"}""");
        await Audit.ArrivedAsync(r => r.Tool == "get_thing" && r.Outcome == "read");
        Assert.Single(Audit.Records, r => r.Reason == "NO_MEMBERSHIP");
    }
}
