using Notes.Contracts.V1;
using Platform.Testing;

namespace Platform.ServiceDefaults.Tests;

public sealed class MetricsTests(NotesFixture notes) : IClassFixture<NotesFixture>
{
    [Fact]
    public async Task Metrics_of_the_service_and_of_the_frameworks_can_be_scraped_again_and_again()
    {
        var caller = new TestCaller();
        await notes.Client.CreateNoteAsync(new CreateNoteRequest { Title = "counted" }, notes.As(caller));
        await notes.Events.WaitAsync(published => published.WorkspaceId == caller.Workspace);
        using var http = notes.CreateHttpClient();
        // The relay counts an event once it is marked as sent, which is after it was published.
        await Eventually.AsyncTrue(
            async () =>
                (await http.GetStringAsync(new Uri("/metrics", UriKind.Relative), TestContext.Current.CancellationToken)).Contains(
                    "# TYPE platform_outbox_lag",
                    StringComparison.Ordinal
                ),
            () => "the lag of the event"
        );
        for (var scrape = 0; scrape < 2; scrape++)
        {
            var text = await http.GetStringAsync(new Uri("/metrics", UriKind.Relative), TestContext.Current.CancellationToken);
            Assert.Contains("# TYPE platform_outbox_lag", text, StringComparison.Ordinal);
            Assert.Contains("http_server_request_duration", text, StringComparison.Ordinal);
        }
    }
}
