using Platform.Demo;
using Platform.Demo.Steps;

namespace Platform.EndToEnd.Tests;

[Collection(TheSuite.Name)]
public sealed class InterruptionTests(RunningSuite suite)
{
    [Theory]
    [InlineData("data")]
    [InlineData("audit")]
    [InlineData("rabbitmq")]
    [InlineData("redis")]
    public async Task Killed_during_an_import_nothing_is_lost_and_nothing_doubled(string resource)
    {
        var cancellation = TestContext.Current.CancellationToken;
        var (story, lines) = TestStory.Begin();
        var calls = new CallLog();
        await using var receiver = await DatadogReceiver.StartAsync(suite.Intake, DatadogReceiver.RememberKey());
        await using var agent = await Agent.ConnectAsync(suite.Endpoints.Mcp, "owner", suite.Endpoints.Owner.Token, calls, cancellation);
        var task = await Goal.BeginAsync(agent, "Import the films", cancellation);
        var streamId = await AuditStream.OpenAsync(agent, receiver, task, story, cancellation);

        var movies = await Movie.LoadAsync(story, cancellation);
        Task? killed = null;
        var tableId = await MovieImport.RunAsync(agent, movies, task, story, cancellation, batch =>
        {
            // Not waited for: the batches go on while it is away.
            killed = batch == 5 ? suite.KillAsync(resource, cancellation) : killed;
            return Task.CompletedTask;
        });
        await killed!;

        await MovieImport.CheckAsync(agent, tableId, movies, story, cancellation);
        await AuditTrail.CheckAsync(calls.Calls, receiver, streamId, redeliveries: true, story, cancellation);
        lines.AssertNothingFailed();
    }
}
