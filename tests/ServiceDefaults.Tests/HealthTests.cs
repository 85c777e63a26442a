using System.Net;
using System.Text.Json.Nodes;
using Platform.Testing;

namespace Platform.ServiceDefaults.Tests;

/// <summary>The notes of these tests have no broker.</summary>
public sealed class HealthTests(NotesFixture notes) : IClassFixture<NotesFixture>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Without_the_broker_the_service_is_ready_and_shows_that_it_is_degraded()
    {
        using var http = notes.CreateHttpClient();
        using var health = await http.GetAsync(new Uri("/health", UriKind.Relative), Cancellation);
        var body = JsonNode.Parse(await health.Content.ReadAsStringAsync(Cancellation))!;

        Assert.Equal(HttpStatusCode.OK, health.StatusCode);
        Assert.Equal(("Degraded", "Degraded"), ((string?)body["status"], (string?)body["checks"]!["masstransit-bus"]!["status"]));
        await Eventually.AsyncTrue(async () =>
            (await http.GetStringAsync(new Uri("/metrics", UriKind.Relative), Cancellation))
                .Split('\n')
                .Any(line =>
                    line.StartsWith("platform_health{check=\"masstransit-bus\"", StringComparison.Ordinal)
                    && line.EndsWith(" 0.5", StringComparison.Ordinal)
                )
        );
    }
}
