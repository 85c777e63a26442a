using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Platform.Edge.Tests.Conformance;
using Platform.Edge.Tests.Fixture;
using Platform.Edge.Tests.Protocol;
using Platform.Servers;
using Platform.Testing;

namespace Platform.Edge.Tests.Connect;

/// <summary>What lies between the edge and the world.</summary>
public sealed class ProxyTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_slow_call_is_heard_of_through_nginx_before_its_answer()
    {
        // A proxy that gathers would wait for ever: the tool answers only once its first comment was read.
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        patience.CancelAfter(TimeSpan.FromSeconds(60));
        await using var server = await FixtureServer.StartAsync(("Edge:StreamAfter", "00:00:00.050"), ("Edge:KeepAlive", "00:00:00.050"));
        var port = FreePorts.Next();
        await using var nginx = await Nginx.StartAsync(NpmTools.Root, port, server.Url, Cancellation);
        using var http = nginx.Client();
        using var response = await http.SendAsync(
            Post.Call(new Uri($"https://localhost:{port}/mcp"), "slow"),
            HttpCompletionOption.ResponseHeadersRead,
            patience.Token
        );
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType!.MediaType);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(patience.Token));
        Assert.Equal(":", await reader.ReadLineAsync(patience.Token));
        server.Application.Entered.TrySetResult();
        var rest = await reader.ReadToEndAsync(patience.Token);
        Assert.Contains("late", rest, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nginx_shows_what_people_and_clients_need_and_nothing_of_the_inside()
    {
        await using var edge = await EdgeFixture.StartAsync();
        var port = FreePorts.Next();
        await using var nginx = await Nginx.StartAsync(NpmTools.Root, port, edge.Url, Cancellation);
        using var http = nginx.Client();
        foreach (
            var (path, status) in new[]
            {
                ("/mcp", HttpStatusCode.MethodNotAllowed),
                ("/connect", HttpStatusCode.OK),
                ("/.well-known/oauth-protected-resource/mcp", HttpStatusCode.OK),
                ("/.well-known/oauth-protected-resource", HttpStatusCode.OK),
                ("/health", HttpStatusCode.NotFound),
                ("/metrics", HttpStatusCode.NotFound),
                ("/realms/master/", HttpStatusCode.NotFound),
                ("/admin/", HttpStatusCode.NotFound),
                ("/governance/v1/me", HttpStatusCode.NotFound),
            }
        )
        {
            using var answer = await http.GetAsync(new Uri($"https://localhost:{port}{path}"), Cancellation);
            Assert.Equal((path, status), (path, answer.StatusCode));
        }

        using var body = new ByteArrayContent(new byte[(4 * 1024 * 1024) + 1]);
        using var large = await http.PostAsync(new Uri($"https://localhost:{port}/mcp"), body, Cancellation);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, large.StatusCode);
    }

    [Theory]
    [InlineData("127.0.0.1", "203.0.113.9", "203.0.113.9")]
    [InlineData("127.0.0.0/8", "198.51.100.7, 203.0.113.9", "203.0.113.9")]
    [InlineData("10.0.0.0/8", "203.0.113.9", "127.0.0.1")]
    [InlineData(null, "203.0.113.9", "127.0.0.1")]
    public async Task Where_a_call_came_from_is_told_by_known_proxies_alone(string? proxy, string forwarded, string recorded)
    {
        await using var edge = await EdgeFixture.StartAsync(settings: proxy is null ? [] : [("Edge:Proxies:0", proxy)]);
        using var request = Post.Call(edge.Url, "get_thing", """{"thingId":"1"}""");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", edge.Token);
        request.Headers.Add("X-Forwarded-For", forwarded);
        request.Headers.Add("X-Forwarded-Host", "evil.example");
        request.Headers.Add("X-Forwarded-Proto", "https");
        using var response = await edge.Http.SendAsync(request, Cancellation);
        var record = await edge.BackEnd.Audit.ArrivedAsync(call => call.Tool == "get_thing");
        using var details = JsonDocument.Parse(record.Details.Utf8.Memory);
        Assert.Equal(recorded, details.RootElement.GetProperty("address").GetString());
    }

    [Fact]
    public async Task A_challenge_names_the_public_url_whatever_a_request_says_its_host_is()
    {
        await using var edge = await EdgeFixture.StartAsync(settings: ("Edge:Proxies:0", "127.0.0.1"));
        using var request = Post.Call(edge.Url, "get_thing", """{"thingId":"1"}""");
        request.Headers.Host = "evil.example";
        request.Headers.Add("X-Forwarded-Host", "evil.example");
        using var response = await edge.Http.SendAsync(request, Cancellation);
        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.Contains(
            "resource_metadata=\"https://mcp.example.test/.well-known/oauth-protected-resource/mcp\"",
            response.Headers.WwwAuthenticate.ToString(),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task What_is_no_address_stops_the_start() =>
        await Assert.ThrowsAnyAsync<Exception>(() => EdgeFixture.StartAsync(settings: ("Edge:Proxies:0", "proxy.example")));
}
