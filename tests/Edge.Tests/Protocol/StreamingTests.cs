using System.Net;
using System.Text.Json;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;
using Platform.Edge.Http;

namespace Platform.Edge.Tests.Protocol;

public sealed class StreamingTests : IAsyncLifetime
{
    private readonly HttpClient _http = new();
    private FixtureServer _server = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() =>
        _server = await FixtureServer.StartAsync(("Edge:StreamAfter", "00:00:00.050"), ("Edge:KeepAlive", "00:00:00.050"));

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _server.DisposeAsync();
    }

    [Theory]
    [InlineData("2026-07-28")]
    [InlineData("2025-11-25")]
    [InlineData("2025-06-18")]
    public async Task The_official_client_lists_and_calls(string version)
    {
        await using var client = await ConnectAsync(version);
        Assert.Equal(version, client.NegotiatedProtocolVersion);
        Assert.Equal("Fixture.", client.ServerInstructions);
        Assert.Equal("echo", (await client.ListToolsAsync(cancellationToken: Token)).Single().Name);
        var result = await client.CallToolAsync("echo", new Dictionary<string, object?> { ["text"] = "hello" }, cancellationToken: Token);
        Assert.Equal("hello", Assert.IsType<TextContentBlock>(result.Content.Single()).Text);
        await _server.Application.ClosedAsync("tools/call");
    }

    [Fact]
    public async Task Progress_turns_the_reply_into_a_stream()
    {
        using var request = Post.ModernRequest(_server.Url, "tools/call", "\"name\":\"progress\"", "progress", token: "\"p1\"");
        using var response = await _http.SendAsync(request, Token);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType!.MediaType);
        Assert.Equal("no", response.Headers.GetValues("X-Accel-Buffering").Single());
        var events = (await response.Content.ReadAsStringAsync(Token)).Split("\n\n", StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2, events.Length);
        Assert.Contains("notifications/progress", events[0], StringComparison.Ordinal);
        Assert.Contains("done", events[1], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("slow")]
    [InlineData("plain_slow")]
    public async Task A_slow_call_sends_headers_and_comments_before_its_answer(string tool)
    {
        using var response = await _http.SendAsync(Post.Call(_server.Url, tool), HttpCompletionOption.ResponseHeadersRead, Token);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType!.MediaType);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(Token));
        Assert.Equal(":", await reader.ReadLineAsync(Token));
        _server.Application.Entered.TrySetResult();
        var rest = await reader.ReadToEndAsync(Token);
        Assert.Contains("event: message\ndata: {", rest, StringComparison.Ordinal);
        Assert.Contains("late", rest, StringComparison.Ordinal);
        Assert.EndsWith("\n\n", rest, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("slow", "\"p1\"")]
    [InlineData("slow", "7")]
    [InlineData("plain_slow", "7")]
    public async Task A_slow_call_tells_progress_to_a_client_that_asked_for_it(string tool, string token)
    {
        using var request = Post.ModernRequest(_server.Url, "tools/call", $"\"name\":\"{tool}\"", tool, token: token);
        using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Token);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(Token));
        for (var beat = 1; beat <= 2; beat++)
        {
            Assert.Equal("event: message", await reader.ReadLineAsync(Token));
            var notification = JsonDocument.Parse((await reader.ReadLineAsync(Token))!["data: ".Length..]).RootElement;
            Assert.Equal("notifications/progress", notification.GetProperty("method").GetString());
            Assert.Equal(token, notification.GetProperty("params").GetProperty("progressToken").GetRawText());
            Assert.Equal(beat, notification.GetProperty("params").GetProperty("progress").GetInt32());
            Assert.Equal("", await reader.ReadLineAsync(Token));
        }
        _server.Application.Entered.TrySetResult();
        Assert.Contains("late", await reader.ReadToEndAsync(Token), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_quick_call_is_answered_with_json_although_progress_was_asked_for()
    {
        using var request = Post.ModernRequest(_server.Url, "tools/call", "\"name\":\"raw\"", "raw", token: "\"p1\"");
        using var response = await _http.SendAsync(request, Token);
        Assert.Equal("application/json", response.Content.Headers.ContentType!.MediaType);
    }

    [Fact]
    public void A_call_may_be_silent_for_ten_seconds() => Assert.Equal(TimeSpan.FromSeconds(10), new McpEndpointOptions().StreamAfter);

    [Theory]
    [InlineData("wait")]
    [InlineData("plain_wait")]
    public async Task Hanging_up_cancels_the_call(string tool)
    {
        using var hangUp = new CancellationTokenSource();
        var call = _http.SendAsync(Post.Call(_server.Url, tool), hangUp.Token);
        await _server.Application.Entered.Task.WaitAsync(TimeSpan.FromSeconds(10), Token);
        await hangUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        await _server.Application.Cancelled.Task.WaitAsync(TimeSpan.FromSeconds(10), Token);
    }

    private async Task<McpClient> ConnectAsync(string version) =>
        await McpClient.CreateAsync(
            new HttpClientTransport(
                new() { Endpoint = _server.Url, TransportMode = HttpTransportMode.StreamableHttp },
                _http,
                ownsHttpClient: false
            ),
            new() { ProtocolVersion = version },
            cancellationToken: Token
        );
}
