using System.Collections.Concurrent;
using System.Diagnostics;
using Notes.Contracts.V1;
using Platform.Testing;

namespace Platform.ServiceDefaults.Tests;

public sealed class TraceTests(NotesFixture notes) : IClassFixture<NotesFixture>
{
    [Fact]
    public async Task A_callers_trace_goes_on_through_the_service_its_database_and_the_relay()
    {
        var trace = ActivityTraceId.CreateRandom();
        var spans = new ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name is "Platform" or "Npgsql" or "Microsoft.AspNetCore",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = span =>
            {
                if (span.TraceId == trace)
                {
                    spans.Enqueue(span);
                }
            },
        };
        ActivitySource.AddActivityListener(listener);
        var caller = new TestCaller();
        var options = notes.As(caller);
        options.Headers!.Add("traceparent", $"00-{trace}-{ActivitySpanId.CreateRandom()}-01");
        await notes.Client.CreateNoteAsync(new CreateNoteRequest { Title = "traced" }, options);
        var happened = await notes.Events.WaitAsync(published => published.WorkspaceId == caller.Workspace);

        await Eventually.True(() => spans.Any(span => span.Source.Name == "Platform"), () => "the relay's span in this trace");

        var served = Assert.Single(spans, span => span.Source.Name == "Microsoft.AspNetCore");
        Assert.Contains(spans, span => span.Source.Name == "Npgsql" && span.ParentSpanId == served.SpanId);
        var relayed = Assert.Single(spans, span => span.Source.Name == "Platform");
        Assert.Equal(("outbox relay", ActivityKind.Producer, served.SpanId), (relayed.OperationName, relayed.Kind, relayed.ParentSpanId));

        // What the audit log keeps of it.
        Assert.Equal(served.Id, happened.Call.TraceParent);
    }
}
