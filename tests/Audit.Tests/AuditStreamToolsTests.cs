using Grpc.Core;
using Platform.Audit.Contracts;
using Platform.Audit.Contracts.V1;
using Platform.Contracts;
using Platform.Testing;

namespace Platform.Audit.Tests;

/// <summary>The tools of streams: success, repeat, no permission, other workspace, bad field, eight at once.</summary>
public sealed class AuditStreamToolsTests(AuditFixture audit) : IClassFixture<AuditFixture>
{
    private readonly TestCaller _caller = new();
    private readonly string _key = "canary" + Guid.NewGuid().ToString("N");

    [Fact]
    public async Task A_created_stream_was_tested_is_announced_and_listed_without_its_key()
    {
        var created = await audit.Client.CreateAuditStreamAsync(Request("SIEM", "organization.*"), audit.As(_caller));
        Assert.Equal(
            ("accepted", 202, "active", true),
            (created.Test.Result, created.Test.Status, created.Stream.State, created.Stream.Destination.ApiKey.IsSet)
        );
        Assert.Single(audit.Datadog.Accepted(_key, "test"));
        Assert.Equal(created.Stream, Assert.Single(await ListAsync(_caller)));
        var happened = await audit.Events.WaitAsync(published => published.WorkspaceId == _caller.Workspace);
        Assert.Equal(("audit_stream.created", created.Stream.Id), (happened.Action, Assert.Single(happened.Targets).Ids[0]));
        Assert.Equal(
            ("SIEM", AuditFixture.Site, "organization.*"),
            (
                happened.Read<AuditStreamCreated>().Name,
                happened.Read<AuditStreamCreated>().Site,
                happened.Read<AuditStreamCreated>().Actions.Single()
            )
        );
    }

    [Fact]
    public async Task A_dry_run_sends_nothing_and_creates_nothing()
    {
        var previewed = await audit.Client.CreateAuditStreamAsync(Request(), audit.As(_caller, dryRun: true));
        Assert.Equal("untested", previewed.Test.Result);
        Assert.Empty(await ListAsync(_caller));
        Assert.DoesNotContain(audit.Datadog.Requests, request => request.Key == _key);
    }

    [Theory]
    [InlineData(400)]
    [InlineData(401)]
    [InlineData(403)]
    public async Task A_destination_that_refuses_the_test_creates_nothing(int status)
    {
        audit.Datadog.Rule(_key, _ => status);
        var problem = await audit.Client.CreateAuditStreamAsync(Request(), audit.As(_caller)).ProblemAsync();
        Assert.Equal("DESTINATION_REFUSED", problem.Reason);
        Assert.DoesNotContain(_key, problem.ToString(), StringComparison.Ordinal);
        Assert.Empty(await ListAsync(_caller));
    }

    // .invalid never resolves (RFC 6761).
    [Fact]
    public async Task An_address_that_leads_nowhere_gets_no_stream()
    {
        var request = new CreateAuditStreamRequest
        {
            Type = "https",
            Name = "nowhere",
            Https = new HttpsDestination { Url = "https://siem.invalid/in" },
        };
        var problem = await audit.Client.CreateAuditStreamAsync(request, audit.As(_caller)).ProblemAsync();
        Assert.Equal("DESTINATION_REFUSED", problem.Reason);
        Assert.Contains("cannot be resolved", problem.Message, StringComparison.Ordinal);
        Assert.Empty(await ListAsync(_caller));

        request.Https.Url = audit.Webhooks.Address + "/" + Guid.NewGuid().ToString("N");
        var id = (await audit.Client.CreateAuditStreamAsync(request, audit.As(_caller))).Stream.Id;
        var change = new UpdateAuditStreamRequest { StreamId = id, Url = "https://siem.invalid/in" };
        Assert.Equal("DESTINATION_REFUSED", (await audit.Client.UpdateAuditStreamAsync(change, audit.As(_caller)).ProblemAsync()).Reason);
        Assert.Equal(request.Https.Url, Assert.Single(await ListAsync(_caller)).Destination.Url);
    }

    [Fact]
    public async Task A_destination_that_is_away_is_said_and_the_stream_waits_for_it()
    {
        audit.Datadog.Rule(_key, _ => 503);
        var created = await audit.Client.CreateAuditStreamAsync(Request(), audit.As(_caller));
        Assert.Equal(("unreachable", 503, "active"), (created.Test.Result, created.Test.Status, created.Stream.State));
        Assert.Single(await ListAsync(_caller));
    }

    [Fact]
    public async Task The_same_call_again_creates_no_second_stream()
    {
        var first = await audit.Client.CreateAuditStreamAsync(Request(), audit.As(_caller, idempotencyKey: "one"));
        Assert.Equal(first, await audit.Client.CreateAuditStreamAsync(Request(), audit.As(_caller, idempotencyKey: "one")));
        Assert.Equal("NAME_TAKEN", (await audit.Client.CreateAuditStreamAsync(Request(), audit.As(_caller)).ProblemAsync()).Reason);
        Assert.Single(await ListAsync(_caller));
    }

    [Fact]
    public async Task Of_eight_at_once_under_one_name_one_is_created()
    {
        var outcomes = await Task.WhenAll(
            Enumerable
                .Range(0, 8)
                .Select(async _ =>
                {
                    try
                    {
                        await audit.Client.CreateAuditStreamAsync(Request(), audit.As(_caller));
                        return "created";
                    }
                    catch (RpcException exception)
                    {
                        return ServiceDefaults.Calls.Problem.Read(exception)?.Reason;
                    }
                })
        );
        Assert.Equal(["NAME_TAKEN", "created"], outcomes.Distinct().Order(StringComparer.Ordinal));
        Assert.Equal(1, outcomes.Count(outcome => outcome == "created"));
        Assert.Single(await ListAsync(_caller));
    }

    [Fact]
    public async Task The_twenty_first_stream_is_refused()
    {
        for (var i = 0; i < 20; i++)
        {
            await audit.Client.CreateAuditStreamAsync(Request($"stream {i}"), audit.As(_caller));
        }

        Assert.Equal(
            "LIMIT_REACHED",
            (await audit.Client.CreateAuditStreamAsync(Request("one more"), audit.As(_caller)).ProblemAsync()).Reason
        );
    }

    [Theory]
    [InlineData("datadog.site")]
    [InlineData("datadog.apiKey")]
    [InlineData("datadog.tags[1]")]
    [InlineData("type")]
    [InlineData("name")]
    [InlineData("actions")]
    [InlineData("start")]
    public async Task A_field_that_is_not_well_formed_is_named(string field)
    {
        var request = Request();
        switch (field)
        {
            case "datadog.site":
                request.Datadog.Site = "evil.example";
                break;
            case "datadog.apiKey":
                request.Datadog.ApiKey = "with a space in between";
                break;
            case "datadog.tags[1]":
                request.Datadog.Tags.Add("a,b");
                break;
            case "type":
                request.Type = "pigeon";
                break;
            case "name":
                request.Name = "";
                break;
            case "actions":
                request.Actions.Add("*.created");
                break;
            default:
                request.Start = "yesterday";
                break;
        }

        var problem = await audit.Client.CreateAuditStreamAsync(request, audit.As(_caller)).ProblemAsync();
        Assert.Equal(("INVALID_ARGUMENT", field), (problem.Reason, Assert.Single(problem.Violations).Field));
        Assert.DoesNotContain(request.Datadog.ApiKey, problem.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_workspace_neither_sees_nor_tests_a_stream()
    {
        var id = (await audit.Client.CreateAuditStreamAsync(Request(), audit.As(_caller))).Stream.Id;
        var stranger = _caller with { Workspace = Ids.New() };
        Assert.Empty(await ListAsync(stranger));
        Assert.Equal(
            "NOT_FOUND",
            (
                await audit.Client.TestAuditStreamAsync(new TestAuditStreamRequest { StreamId = id }, audit.As(stranger)).ProblemAsync()
            ).Reason
        );
        Assert.Equal(
            "NOT_FOUND",
            (
                await audit.Client.TestAuditStreamAsync(new TestAuditStreamRequest { StreamId = "str_1" }, audit.As(_caller)).ProblemAsync()
            ).Reason
        );
    }

    [Fact]
    public async Task Who_may_only_read_the_log_cannot_stream_it()
    {
        var reader = audit.As(_caller with { Permissions = ["audit:read"] });
        Assert.Equal("PERMISSION_DENIED", (await audit.Client.CreateAuditStreamAsync(Request(), reader).ProblemAsync()).Reason);
        Assert.Equal(
            "PERMISSION_DENIED",
            (await audit.Client.TestAuditStreamAsync(new TestAuditStreamRequest { StreamId = "str_1" }, reader).ProblemAsync()).Reason
        );
        Assert.Equal(
            "PERMISSION_DENIED",
            (
                await audit
                    .Client.ListAuditStreamsAsync(new ListAuditStreamsRequest(), audit.As(_caller with { Role = Roles.Editor }))
                    .ProblemAsync()
            ).Reason
        );
    }

    [Fact]
    public async Task A_test_tells_what_the_destination_said_and_is_in_the_log()
    {
        var id = (await audit.Client.CreateAuditStreamAsync(Request(), audit.As(_caller))).Stream.Id;
        audit.Datadog.Rule(_key, _ => 429);
        var tested = await audit.Client.TestAuditStreamAsync(new TestAuditStreamRequest { StreamId = id }, audit.As(_caller));
        Assert.Equal(("unreachable", 429), (tested.Test.Result, tested.Test.Status));
        var happened = await audit.Events.WaitAsync(published =>
            published.WorkspaceId == _caller.Workspace && published.Action == "audit_stream.tested"
        );
        Assert.Equal(
            (id, "unreachable", 429),
            (
                happened.Read<AuditStreamTested>().StreamId,
                happened.Read<AuditStreamTested>().Result,
                happened.Read<AuditStreamTested>().Status
            )
        );
    }

    private CreateAuditStreamRequest Request(string name = "to Datadog", params string[] actions) =>
        new()
        {
            Type = "datadog",
            Name = name,
            Datadog = new DatadogDestination
            {
                Site = AuditFixture.Site,
                ApiKey = _key,
                Tags = { "team:core" },
            },
            Actions = { actions },
        };

    private async Task<IReadOnlyList<AuditStream>> ListAsync(TestCaller caller) =>
        (await audit.Client.ListAuditStreamsAsync(new ListAuditStreamsRequest(), audit.As(caller))).Streams;
}
