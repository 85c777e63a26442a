using System.Net;
using System.Net.Http.Headers;

namespace Platform.Hosting.Tests;

/// <summary>The dashboard shows logs and traces, and starts and stops what runs: only who has its token sees it.</summary>
public sealed class DashboardTests : IDisposable
{
    private readonly Folder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_dashboard_its_telemetry_and_its_commands_are_closed_to_who_has_no_key()
    {
        using var host = await RunningAppHost.StartAsync(_folder, Token);
        using var handler = new HttpClientHandler { AllowAutoRedirect = false };
        using var http = new HttpClient(handler);

        foreach (var page in (string[])["/", "/consolelogs/resource/edge", "/structuredlogs", "/traces"])
        {
            using var answer = await http.GetAsync(new Uri(host.Dashboard, page), Token);
            Assert.Equal(HttpStatusCode.Redirect, answer.StatusCode);
            Assert.Equal("/login", answer.Headers.Location!.AbsolutePath);
        }

        await AssertClosedAsync(http, new Uri(host.Telemetry, "/opentelemetry.proto.collector.trace.v1.TraceService/Export"));
        await AssertClosedAsync(http, new Uri(host.Resources, "/aspire.v1.DashboardService/WatchResources"));
        await AssertClosedAsync(http, new Uri(host.Resources, "/aspire.v1.DashboardService/ExecuteResourceCommand"));
    }

    private static async Task AssertClosedAsync(HttpClient http, Uri method)
    {
        using var call = new HttpRequestMessage(HttpMethod.Post, method)
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            // An empty message.
            Content = new ByteArrayContent(new byte[5]) { Headers = { ContentType = new MediaTypeHeaderValue("application/grpc") } },
        };
        using var answer = await http.SendAsync(call, Token);
        var status = answer.Headers.TryGetValues("grpc-status", out var inHeaders) ? inHeaders.Single() : null;
        Assert.True(answer.StatusCode == HttpStatusCode.Unauthorized || status == "16", $"{method}: {answer.StatusCode}, {status}");
    }
}
