using Platform.Audit.Contracts.V1;
using Platform.Contracts;
using Platform.Testing;
using TaskChanges = Platform.Changes.Contracts.V1.Changes;

namespace Platform.Audit.Tests;

public sealed class TaskTests(AuditFixture audit) : IClassFixture<AuditFixture>
{
    [Fact]
    public async Task Streams_of_a_task_are_summed_up_and_an_undo_says_what_to_do_instead()
    {
        var changes = new TaskChanges.ChangesClient(audit.Channel);
        var owner = new TestCaller();
        var request = new CreateAuditStreamRequest
        {
            Type = "datadog",
            Name = "SIEM",
            Datadog = new() { Site = AuditFixture.Site, ApiKey = "canary" + Guid.NewGuid().ToString("N") },
        };
        Assert.Equal(
            "TASK_NOT_FOUND",
            (await audit.Client.CreateAuditStreamAsync(request, audit.As(owner, task: Ids.Format("tsk", Ids.New()))).ProblemAsync()).Reason
        );
        Assert.Empty((await audit.Client.ListAuditStreamsAsync(new(), audit.As(owner))).Streams);

        var task = (await changes.BeginTaskAsync(new() { Goal = "Connect" }, audit.As(owner))).TaskId;
        Assert.Equal(
            "TASK_NOT_FOUND",
            (
                await audit.Client.CreateAuditStreamAsync(request, audit.As(owner with { Member = Ids.New() }, task: task)).ProblemAsync()
            ).Reason
        );
        var stream = (await audit.Client.CreateAuditStreamAsync(request, audit.As(owner, task: task))).Stream;

        var sum = Assert.Single(Assert.Single((await changes.SummarizeTaskAsync(new() { TaskId = task }, audit.As(owner))).Parts).Changes);
        Assert.Equal(("audit_stream", 1), (sum.Kind, sum.Created));
        Assert.Contains("delete_audit_stream", sum.CannotBeUndone, StringComparison.Ordinal);
        var left = Assert.Single(Assert.Single((await changes.UndoTaskAsync(new() { TaskId = task }, audit.As(owner))).Parts).Left);
        Assert.Equal((stream.Id, "CANNOT_BE_UNDONE", sum.CannotBeUndone), (left.Id, left.Reason, left.Why));
        Assert.Equal(stream.Id, Assert.Single((await audit.Client.ListAuditStreamsAsync(new(), audit.As(owner))).Streams).Id);
    }
}
