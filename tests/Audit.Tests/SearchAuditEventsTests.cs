using Google.Protobuf.WellKnownTypes;
using Platform.Audit.Contracts.V1;
using Platform.Contracts;
using Platform.Testing;

namespace Platform.Audit.Tests;

public sealed class SearchAuditEventsTests(AuditFixture audit) : IClassFixture<AuditFixture>
{
    private readonly TestCaller _caller = new();

    [Fact]
    public async Task Pages_cover_the_log_once_in_both_directions()
    {
        await audit.ConsumeAsync([.. Enumerable.Range(0, 23).Select(_ => AuditFixture.Event(_caller.Workspace))]);
        await audit.LogOfAsync(_caller.Workspace, 23);
        foreach (var order in new[] { AuditOrder.Unspecified, AuditOrder.NewestFirst, AuditOrder.OldestFirst })
        {
            var request = new SearchAuditEventsRequest { Limit = 10, Order = order };
            var seen = new List<long>();
            var pages = new List<int>();
            do
            {
                var page = await SearchAsync(request);
                seen.AddRange(page.Events.Select(happened => happened.Sequence));
                pages.Add(page.Events.Count);
                request.Cursor = page.Page.NextCursor;
                Assert.Equal(page.Page.HasMore, page.Page.NextCursor.Length > 0);
            } while (request.Cursor.Length > 0);
            var expected = Enumerable.Range(1, 23).Select(n => (long)n);
            Assert.Equal(order == AuditOrder.OldestFirst ? expected : expected.Reverse(), seen);
            Assert.Equal([10, 10, 3], pages);
        }
    }

    [Fact]
    public async Task Every_filter_leaves_out_what_does_not_match()
    {
        var environment = _caller.Environment!.Value;
        var early = DateTimeOffset.UtcNow.AddHours(-2);
        var wanted = AuditFixture.Event(_caller.Workspace, "record.created", "rec_1", early) with { EnvironmentId = environment };
        wanted = wanted with
        {
            Actor = wanted.Actor with { Id = "mbr_9" },
            Call = wanted.Call with { CallId = "call-9", Tool = "create_record", Task = "tsk_9" },
            Targets = [new Target("record", "rec_0", "rec_1")],
        };
        await audit.ConsumeAsync(AuditFixture.Event(_caller.Workspace), wanted, AuditFixture.Event(_caller.Workspace, "record_view.read"));
        await audit.LogOfAsync(_caller.Workspace, 3);
        foreach (
            var filter in new SearchAuditEventsRequest[]
            {
                new() { Actions = { "record.created" } },
                new() { Actions = { "record.*" } },
                new() { Actions = { "nothing.at_all", "record.*" } },
                new() { Actor = "mbr_9" },
                new() { TargetId = "rec_1" },
                new() { TargetId = "rec_0", TargetKind = "record" },
                new() { TargetKind = "record" },
                new() { Tool = "create_record" },
                new() { Task = "tsk_9" },
                new() { CallId = "call-9" },
                new() { EnvironmentId = Ids.Format("env", environment) },
                new() { OccurredBefore = Timestamp.FromDateTimeOffset(early.AddMinutes(1)) },
                new()
                {
                    OccurredFrom = Timestamp.FromDateTimeOffset(early),
                    OccurredBefore = Timestamp.FromDateTimeOffset(early.AddTicks(10)),
                    Outcomes = { "committed", "refused" },
                    Tool = "create_record",
                },
            }
        )
        {
            Assert.Equal([Ids.Format("evt", wanted.EventId)], (await SearchAsync(filter)).Events.Select(found => found.Id));
        }

        foreach (
            var nothing in new SearchAuditEventsRequest[]
            {
                new() { Actions = { "record" } },
                new() { TargetId = "rec_1", TargetKind = "organization" },
                new() { Outcomes = { "refused" } },
                new() { Actor = "mbr_9", Tool = "create_organization" },
                new() { OccurredBefore = Timestamp.FromDateTimeOffset(early) },
            }
        )
        {
            Assert.Empty((await SearchAsync(nothing)).Events);
        }
    }

    [Theory]
    [InlineData("actions", "Create *")]
    [InlineData("cursor", "-1")]
    [InlineData("environmentId", "org_1")]
    [InlineData("outcomes[0]", "done")]
    [InlineData("limit", "201")]
    public async Task A_filter_that_is_not_well_formed_is_named(string field, string value)
    {
        var request = field switch
        {
            "actions" => new SearchAuditEventsRequest { Actions = { value } },
            "cursor" => new SearchAuditEventsRequest { Cursor = value },
            "environmentId" => new SearchAuditEventsRequest { EnvironmentId = value },
            "limit" => new SearchAuditEventsRequest { Limit = int.Parse(value, null) },
            _ => new SearchAuditEventsRequest { Outcomes = { value } },
        };
        var problem = await audit.Client.SearchAuditEventsAsync(request, audit.As(_caller)).ProblemAsync();
        Assert.Equal(("INVALID_ARGUMENT", field), (problem.Reason, Assert.Single(problem.Violations).Field));
    }

    [Fact]
    public async Task Another_workspace_sees_nothing_and_finds_nothing()
    {
        var happened = AuditFixture.Event(_caller.Workspace);
        await audit.ConsumeAsync(happened);
        await audit.LogOfAsync(_caller.Workspace, 1);
        var stranger = _caller with { Workspace = Ids.New() };
        Assert.Empty((await audit.Client.SearchAuditEventsAsync(new SearchAuditEventsRequest(), audit.As(stranger))).Events);
        var request = new GetAuditEventRequest { EventId = Ids.Format("evt", happened.EventId) };
        Assert.Equal("NOT_FOUND", (await audit.Client.GetAuditEventAsync(request, audit.As(stranger)).ProblemAsync()).Reason);
        await using var bare = audit.App.CreateCommand("select count(*) from audit.event");
        Assert.Equal(0L, await bare.ExecuteScalarAsync(TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData(Roles.Viewer)]
    [InlineData(Roles.Editor)]
    public async Task Who_may_not_read_the_log_is_refused(string role)
    {
        var caller = audit.As(_caller with { Role = role });
        Assert.Equal(
            "PERMISSION_DENIED",
            (await audit.Client.SearchAuditEventsAsync(new SearchAuditEventsRequest(), caller).ProblemAsync()).Reason
        );
        Assert.Equal(
            "PERMISSION_DENIED",
            (await audit.Client.GetAuditEventAsync(new GetAuditEventRequest { EventId = "evt_1" }, caller).ProblemAsync()).Reason
        );
    }

    [Fact]
    public async Task A_search_shows_twenty_ids_and_the_whole_event_all_of_them_with_its_details()
    {
        var ids = Enumerable.Range(0, 1500).Select(n => $"rec_{n}").ToList();
        var happened = AuditFixture.Event(_caller.Workspace) with { Targets = [new Target("record", ids)] };
        await audit.ConsumeAsync(happened);
        await audit.LogOfAsync(_caller.Workspace, 1);
        var found = await SearchAsync(new SearchAuditEventsRequest { TargetId = "rec_999" });
        var listed = Assert.Single(Assert.Single(found.Events).Targets);
        Assert.Equal((20, 1500), (listed.Ids.Count, listed.Count));
        var whole = (
            await audit.Client.GetAuditEventAsync(
                new GetAuditEventRequest { EventId = Ids.Format("evt", happened.EventId) },
                audit.As(_caller)
            )
        ).Event;
        Assert.Equal((1000, 1500), (whole.Targets[0].Ids.Count, whole.Targets[0].Count));
        Assert.Equal("{\"name\":\"Ångström & <Söhne>\"}", whole.Details.Utf8.ToStringUtf8());
    }

    private async Task<SearchAuditEventsResponse> SearchAsync(SearchAuditEventsRequest request) =>
        await audit.Client.SearchAuditEventsAsync(request, audit.As(_caller));
}
