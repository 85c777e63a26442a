using Google.Protobuf.WellKnownTypes;
using Platform.Audit.Contracts;
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
        var record = Ids.Format("rec", Ids.New());
        var member = Ids.Format("mbr", Ids.New());
        var environment = _caller.Environment!.Value;
        var early = DateTimeOffset.UtcNow.AddHours(-2);
        var wanted = AuditFixture.Event(_caller.Workspace, "record.created", record, early) with { EnvironmentId = environment };
        wanted = wanted with
        {
            Actor = wanted.Actor with { Id = member },
            Call = wanted.Call with { CallId = "call-9", Tool = "create_record", Task = "tsk_9" },
            Targets = [new Target("record", "rec_0", record)],
        };
        await audit.ConsumeAsync(AuditFixture.Event(_caller.Workspace), wanted, AuditFixture.Event(_caller.Workspace, "record_view.read"));
        await audit.LogOfAsync(_caller.Workspace, 3);
        foreach (
            var filter in new SearchAuditEventsRequest[]
            {
                new() { Actions = { "record.created" } },
                new() { Actions = { "record.*" } },
                new() { Actions = { "nothing.at_all", "record.*" } },
                new() { Actor = member },
                new() { TargetId = record },
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
                new() { TargetId = record, TargetKind = "organization" },
                new() { Outcomes = { "refused" } },
                new() { Actor = member, Tool = "create_organization" },
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

    // Each was answered with an empty list.
    [Theory]
    [InlineData("actions", "organization.create", "organization.created")]
    [InlineData("actions", "organization_created", "organization.created")]
    [InlineData("actions", "record.insert*", "record.created")]
    [InlineData("actions", "record", "record.created")]
    [InlineData("actor", "ada@example.com", "list_members")]
    [InlineData("actor", "Ada", "`me`")]
    [InlineData("targetKind", "organisation", "organization")]
    [InlineData("targetId", "Globex", "org_…")]
    [InlineData("tool", "create_organisation", "create_organization")]
    [InlineData("task", "my task", "tsk_…")]
    [InlineData("callId", "the last one", "callId")]
    public async Task What_cannot_be_in_the_log_is_refused_with_what_is_near(string field, string value, string near)
    {
        var problem = await audit.Client.SearchAuditEventsAsync(With(field, value), audit.As(_caller)).ProblemAsync();
        var violation = Assert.Single(problem.Violations);
        Assert.Equal(("INVALID_ARGUMENT", field), (problem.Reason, violation.Field));
        Assert.Contains(near, violation.Fix, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("actions", "organization.deleted")]
    [InlineData("actions", "organization.*")]
    [InlineData("actor", "me")]
    [InlineData("actor", "identity")]
    [InlineData("actor", "mbr_01h455vb4pex5vsknk084sn02q")]
    [InlineData("targetKind", "session")]
    [InlineData("targetId", "org_01h455vb4pex5vsknk084sn02q")]
    [InlineData("tool", "create_organization")]
    [InlineData("task", "tsk_01h455vb4pex5vsknk084sn02q")]
    [InlineData("callId", "01a22e3d-fa0a-7b8d-b593-a8e1a8e1a8e1")]
    public async Task What_could_be_in_the_log_and_is_not_gives_an_empty_list(string field, string value) =>
        Assert.Empty((await SearchAsync(With(field, value))).Events);

    [Fact]
    public async Task A_word_that_stands_in_the_log_is_found_whatever_it_is()
    {
        var happened = AuditFixture.Event(_caller.Workspace, "record.renumbered", "an older id");
        happened = happened with { Call = happened.Call with { Tool = "an_older_tool" }, Actor = happened.Actor with { Id = "somebody" } };
        await audit.ConsumeAsync(happened);
        await audit.LogOfAsync(_caller.Workspace, 1);
        foreach (
            var (field, value) in new[]
            {
                ("actions", "record.renumbered"),
                ("targetId", "an older id"),
                ("tool", "an_older_tool"),
                ("actor", "somebody"),
            }
        )
        {
            Assert.Single((await SearchAsync(With(field, value))).Events);
        }
    }

    [Fact]
    public async Task Me_is_the_member_who_asks()
    {
        var own = AuditFixture.Event(_caller.Workspace);
        own = own with { Actor = own.Actor with { Id = Ids.Format("mbr", _caller.Member!.Value) } };
        await audit.ConsumeAsync(own, AuditFixture.Event(_caller.Workspace));
        await audit.LogOfAsync(_caller.Workspace, 2);
        var found = Assert.Single((await SearchAsync(new SearchAuditEventsRequest { Actor = "me" })).Events);
        Assert.Equal(Ids.Format("evt", own.EventId), found.Id);
    }

    [Fact]
    public async Task An_environment_whose_log_is_not_for_the_caller_is_refused()
    {
        var (closed, viewed, hidden) = (Ids.New(), Ids.New(), Ids.New());
        var caller = _caller with
        {
            Others =
            [
                TestCaller.Other(closed, role: Roles.Owner, isOpen: false),
                TestCaller.Other(viewed, role: Roles.Viewer),
                TestCaller.Other(hidden),
            ],
        };
        foreach (
            var (environment, reason) in new[]
            {
                (closed, "PRODUCTION_NOT_ALLOWED"),
                (viewed, "PERMISSION_DENIED"),
                (hidden, "NOT_FOUND"),
                (Ids.New(), "NOT_FOUND"),
            }
        )
        {
            var request = new SearchAuditEventsRequest { EnvironmentId = Ids.Format("env", environment) };
            Assert.Equal(reason, (await audit.Client.SearchAuditEventsAsync(request, audit.As(caller)).ProblemAsync()).Reason);
        }
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

    private static SearchAuditEventsRequest With(string field, string value) =>
        field switch
        {
            "actions" => new() { Actions = { value } },
            "actor" => new() { Actor = value },
            "targetKind" => new() { TargetKind = value },
            "targetId" => new() { TargetId = value },
            "tool" => new() { Tool = value },
            "task" => new() { Task = value },
            _ => new() { CallId = value },
        };

    [Fact]
    public async Task A_page_ends_by_its_size_and_all_pages_hold_everything()
    {
        var targets = Enumerable
            .Range(0, 10)
            .Select(kind => new Target($"kind{kind}", [.. Enumerable.Range(0, 20).Select(_ => Ids.Format("rec", Ids.New()))]))
            .ToArray();
        await audit.ConsumeAsync([
            .. Enumerable.Range(0, 40).Select(_ => AuditFixture.Event(_caller.Workspace) with { Targets = targets }),
        ]);
        await audit.LogOfAsync(_caller.Workspace, 40);
        var tool = Assert.Single(PagedTools.Of(AuditContract.Catalogue));
        var pages = await PagedTools.ReadAsync(
            tool,
            audit.Channel.CreateCallInvoker(),
            () => audit.As(_caller),
            new Dictionary<string, object>()
        );
        Assert.InRange(pages.Count, 3, 10);
        Assert.Equal(40, PagedTools.Entries(pages).Distinct().Count());
    }

    private async Task<SearchAuditEventsResponse> SearchAsync(SearchAuditEventsRequest request) =>
        await audit.Client.SearchAuditEventsAsync(request, audit.As(_caller));
}
