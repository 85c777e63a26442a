using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Microsoft.Extensions.DependencyInjection;
using Platform.Audit.Contracts.V1;
using Platform.Audit.Service.Sequencing;
using Platform.Contracts;
using Platform.Testing;

namespace Platform.Audit.Tests;

public sealed class RecordCallsTests(AuditFixture audit) : IClassFixture<AuditFixture>
{
    private readonly string _instance = Guid.NewGuid().ToString();
    private readonly Guid _workspace = Ids.New();

    [Fact]
    public async Task A_refused_call_is_in_the_log_with_its_reason()
    {
        var record = Record(1);
        Assert.Equal(1, (await RecordAsync(record)).Added);
        await audit.LogOfAsync(_workspace, 1);
        var found = Assert.Single(
            (
                await audit.Client.SearchAuditEventsAsync(
                    new SearchAuditEventsRequest(),
                    audit.As(new TestCaller { Workspace = _workspace })
                )
            ).Events
        );
        Assert.Equal(
            (record.Id, "refused", "PERMISSION_DENIED", "delete_organization", "mbr_1"),
            (found.Id, found.Outcome, found.Reason, found.Tool, found.Actor.Id)
        );
        Assert.Equal("0af7651916cd43dd8448eb211c80319c", found.TraceId);
    }

    [Fact]
    public async Task A_record_that_comes_again_is_not_recorded_again()
    {
        var records = Enumerable.Range(1, 20).Select(number => Record(number)).ToArray();
        var added = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => RecordAsync(records)));
        // A copy that arrives just while the first is numbered is taken in, and dropped when its turn comes: the log is what counts.
        Assert.InRange(added.Sum(answer => answer.Added), 20, 8 * 20);
        await audit.LogOfAsync(_workspace, 20);
        Assert.Equal(0, (await RecordAsync(records)).Added);
        Assert.Equal(21, (await LogAfterAsync(Record(21), 21)).Count);
    }

    [Fact]
    public async Task Two_that_send_the_same_records_in_opposite_orders_at_once_both_get_through()
    {
        var records = Enumerable.Range(1, 4000).Select(number => Record(number)).ToArray();
        foreach (var sent in records.Chunk(1000))
        {
            await Task.WhenAll(RecordAsync(sent), RecordAsync([.. sent.Reverse()]));
        }

        Assert.Equal(4000, (await audit.LogOfAsync(_workspace, 4000)).Count);
    }

    [Fact]
    public async Task Only_the_edge_may_record_calls()
    {
        var request = new RecordCallsRequest { Instance = _instance, Records = { Record(1) } };
        Assert.Equal(
            "PERMISSION_DENIED",
            (await audit.Calls.RecordCallsAsync(request, audit.As(TestCaller.AsService("data"))).ProblemAsync()).Reason
        );
        Assert.Equal(
            "PERMISSION_DENIED",
            (await audit.Calls.RecordCallsAsync(request, audit.As(new TestCaller { Workspace = _workspace })).ProblemAsync()).Reason
        );
    }

    [Fact]
    public async Task A_record_that_is_not_well_formed_is_named_and_nothing_is_taken()
    {
        foreach (
            var (spoil, field) in new (Action<CallRecord>, string)[]
            {
                (record => record.Id = "org_1", "records[1].id"),
                (record => record.WorkspaceId = "x", "records[1].workspaceId"),
                (record => record.Outcome = "committed", "records[1].outcome"),
                (record => record.Number = 0, "records[1].number"),
                (record => record.Action = "", "records[1]"),
                (record => record.Details = new Json { Utf8 = ByteString.CopyFromUtf8("[1]") }, "records[1].details"),
            }
        )
        {
            var wrong = Record(2);
            spoil(wrong);
            var request = new RecordCallsRequest { Instance = _instance, Records = { Record(1), wrong } };
            var problem = await audit.Calls.RecordCallsAsync(request, audit.As(AuditFixture.Edge)).ProblemAsync();
            Assert.Equal(("INVALID_ARGUMENT", field), (problem.Reason, Assert.Single(problem.Violations).Field));
        }

        Assert.Equal(1, (await RecordAsync(Record(1))).Added);
    }

    [Fact]
    public async Task A_number_that_stays_away_becomes_an_event_of_the_log_once()
    {
        await RecordAsync(Record(1), Record(2));
        await RecordAsync(Record(7), Record(4));
        await audit.LogOfAsync(_workspace, 4);
        await ReportGapsAsync();
        Assert.Empty(await GapsAsync());
        audit.Clock.Advance(TimeSpan.FromMinutes(2));
        await ReportGapsAsync();
        await ReportGapsAsync();
        await audit.LogOfAsync(_workspace, 6);
        Assert.Equal(["3-3", "5-6"], await GapsAsync());
    }

    [Fact]
    public async Task What_an_instance_had_numbered_when_it_ended_and_nobody_sent_is_a_gap()
    {
        await RecordAsync(Record(1), Record(2));
        await TellAsync(5);
        await TellAsync(5);
        await ReportGapsAsync();
        Assert.Empty(await GapsAsync());
        audit.Clock.Advance(TimeSpan.FromMinutes(2));
        await ReportGapsAsync();
        await audit.LogOfAsync(_workspace, 3);
        Assert.Equal(["3-5"], await GapsAsync());
    }

    [Fact]
    public async Task An_instance_that_sent_nothing_at_all_is_a_gap_once_it_is_told_of()
    {
        await TellAsync(2);
        audit.Clock.Advance(TimeSpan.FromMinutes(2));
        await ReportGapsAsync();
        await audit.LogOfAsync(_workspace, 1);
        Assert.Equal(["1-2"], await GapsAsync());
    }

    [Fact]
    public async Task Numbers_that_arrive_late_and_in_any_order_are_no_gap()
    {
        await RecordAsync(Record(3));
        await RecordAsync(Record(2));
        await RecordAsync(Record(1));
        audit.Clock.Advance(TimeSpan.FromMinutes(2));
        await ReportGapsAsync();
        await LogAfterAsync(Record(4), 4);
        Assert.Empty(await GapsAsync());
    }

    [Theory]
    [InlineData("organization.deleted", "refused", "organization.delete.refused")]
    [InlineData("organization.deleted", "previewed", "organization.delete.previewed")]
    [InlineData("organization.deleted", "failed", "organization.delete.failed")]
    [InlineData("organization.deleted", "replayed", "organization.delete.replayed")]
    [InlineData("organization.updated", "unchanged", "organization.update.unchanged")]
    [InlineData("member_invitation.resent", "refused", "member_invitation.resend.refused")]
    [InlineData("record.read", "read", "record.read")]
    [InlineData("record.read", "refused", "record.read.refused")]
    [InlineData("call", "refused", "call.refused")]
    [InlineData("call", "failed", "call.failed")]
    [InlineData("call.refused", "refused", "call.refused")]
    public async Task The_action_says_the_deed_of_what_happened_alone(string deed, string outcome, string action)
    {
        var record = Record(1);
        (record.Action, record.Outcome) = (deed, outcome);
        await LogAfterAsync(record, 1);
        Assert.Equal(
            $"{action} {action} {outcome}",
            await audit.ScalarAsync<string>(
                """
                select concat_ws(' ', action, convert_from(body, 'utf8')::jsonb ->> 'action', outcome)
                from audit.event where workspace_id = $1
                """,
                _workspace
            )
        );
        var found = await audit.Client.SearchAuditEventsAsync(
            new SearchAuditEventsRequest { Actions = { action } },
            audit.As(new TestCaller { Workspace = Ids.New() })
        );
        Assert.Empty(found.Events);
    }

    private CallRecord Record(long number) =>
        new()
        {
            Id = Ids.Format("evt", Ids.New()),
            Number = number,
            WorkspaceId = Ids.Format("wks", _workspace),
            OccurredAt = Timestamp.FromDateTimeOffset(DateTimeOffset.UtcNow),
            Outcome = "refused",
            Reason = "PERMISSION_DENIED",
            Action = "organization.deleted",
            Actor = new CallActor
            {
                Kind = "member",
                Id = "mbr_1",
                Role = "viewer",
            },
            CallId = Guid.NewGuid().ToString(),
            Tool = "delete_organization",
            TraceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            Details = new Json { Utf8 = ByteString.CopyFromUtf8("""{"client":"test"}""") },
        };

    private async Task<RecordCallsResponse> RecordAsync(params CallRecord[] records) =>
        await audit.Calls.RecordCallsAsync(
            new RecordCallsRequest { Instance = _instance, Records = { records } },
            audit.As(AuditFixture.Edge)
        );

    private async Task TellAsync(long number) =>
        await audit.Calls.RecordCallsAsync(
            new RecordCallsRequest
            {
                Instance = _instance,
                LastNumbers =
                {
                    new LastNumber { WorkspaceId = Ids.Format("wks", _workspace), Number = number },
                },
            },
            audit.As(AuditFixture.Edge)
        );

    private async Task<IReadOnlyList<(long Sequence, Guid Id)>> LogAfterAsync(CallRecord record, int count)
    {
        await RecordAsync(record);
        return await audit.LogOfAsync(_workspace, count);
    }

    private Task ReportGapsAsync() => audit.Services.GetRequiredService<CallGaps>().ReportAsync(TestContext.Current.CancellationToken);

    private async Task<List<string>> GapsAsync()
    {
        var caller = new TestCaller { Workspace = _workspace };
        var request = new SearchAuditEventsRequest { Actions = { "audit.gap_detected" }, Order = AuditOrder.OldestFirst };
        var found = await audit.Client.SearchAuditEventsAsync(request, audit.As(caller));
        var gaps = new List<string>();
        foreach (var gap in found.Events)
        {
            var whole = await audit.Client.GetAuditEventAsync(new GetAuditEventRequest { EventId = gap.Id }, audit.As(caller));
            using var details = System.Text.Json.JsonDocument.Parse(whole.Event.Details.Utf8.Memory);
            gaps.Add($"{details.RootElement.GetProperty("firstNumber")}-{details.RootElement.GetProperty("lastNumber")}");
        }

        return gaps;
    }
}
