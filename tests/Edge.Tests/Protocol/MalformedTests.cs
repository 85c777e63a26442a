using System.Net;
using System.Text;
using System.Text.Json;
using Platform.Testing;

namespace Platform.Edge.Tests.Protocol;

/// <summary>What is no message, or only nearly one: the sender's mistake, never an unforeseen failure.</summary>
public sealed class MalformedTests : IAsyncLifetime
{
    private readonly HttpClient _http = new();
    private FixtureServer _server = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _server = await FixtureServer.StartAsync();

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _server.DisposeAsync();
    }

    [Theory]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"ping","a\ud800":1,"a\udc00":2}""")]
    [InlineData("""{"\ud800":1}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"\uDC00":1}}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"clientInfo":{"a":[{"x\ud800y":1}]}}}""")]
    public async Task A_name_that_is_no_text_makes_a_body_that_is_no_JSON(string body)
    {
        using var response = await _http.SendAsync(Post.Raw(_server.Url, body), Cancellation);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal(-32700, (await response.JsonAsync()).ErrorCode());
        Assert.Empty(_server.Application.Unforeseen);
    }

    [Theory]
    [InlineData("""{"jsonrpc":"\ud800","id":1,"method":"ping"}""")]
    [InlineData("""{"jsonrpc":"2.0","id":"\ud800","method":"ping"}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"\ud800"}""")]
    public async Task An_envelope_that_is_no_text_is_no_message(string body)
    {
        using var response = await _http.SendAsync(Post.Raw(_server.Url, body), Cancellation);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal(-32600, (await response.JsonAsync()).ErrorCode());
    }

    [Fact]
    public async Task A_name_with_an_escaped_pair_is_text()
    {
        const string Body = """{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":{"\ud83d\ude00":"\ud800"}}}""";
        using var response = await _http.SendAsync(Post.Raw(_server.Url, Body), Cancellation);
        Assert.True((await response.JsonAsync()).TryGetProperty("result", out _));
    }

    [Theory]
    [InlineData("""{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"\ud800","version":"1"}}""")]
    [InlineData("""{"protocolVersion":"\udc00x","capabilities":{},"clientInfo":{"name":"c","version":"1"}}""")]
    [InlineData("""{"protocolVersion":null,"capabilities":{},"clientInfo":{"name":"c","version":"1"}}""")]
    [InlineData("""{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":null}""")]
    [InlineData("""{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":null,"version":"1"}}""")]
    public async Task A_value_that_is_no_text_is_refused_by_its_place(string parameters)
    {
        var body = $$"""{"jsonrpc":"2.0","id":1,"method":"initialize","params":{{parameters}}}""";
        using var response = await _http.SendAsync(Post.Raw(_server.Url, body), Cancellation);
        var error = (await response.JsonAsync()).GetProperty("error");
        Assert.Equal(-32602, error.GetProperty("code").GetInt32());
        Assert.StartsWith("The member params.", error.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Empty(_server.Application.Unforeseen);
    }

    [Theory]
    [InlineData("""{"sampling":"yes"}""")]
    [InlineData("""{"elicitation":5}""")]
    [InlineData("""{"roots":[]}""")]
    public async Task Capabilities_of_a_wrong_form_are_refused_before_anybody_asks_for_them(string capabilities)
    {
        using var response = await _http.SendAsync(
            Post.Call(_server.Url, "echo", """{"text":"hi"}""", capabilities: capabilities),
            Cancellation
        );
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal(-32602, (await response.JsonAsync()).ErrorCode());
    }

    [Theory]
    [InlineData("zz\r\n{\"jsonrpc\"")]
    [InlineData("9\r\n{\"jsonrpc\"\r\n0\r\n\r\n")]
    public async Task A_body_in_chunks_that_are_none_is_answered(string chunks)
    {
        var request =
            $"POST /mcp HTTP/1.1\r\nHost: {_server.Url.Authority}\r\nContent-Type: application/json\r\nConnection: close\r\n"
            + $"Transfer-Encoding: chunked\r\n\r\n{chunks}";
        var answer = await Wire.SendAsync(
            _server.Url,
            Encoding.ASCII.GetBytes(request),
            isCut: false,
            TimeSpan.FromSeconds(30),
            Cancellation
        );
        Assert.Equal((null, 400), (answer.Problem, answer.Status));
        using var body = JsonDocument.Parse(answer.Body);
        Assert.Equal(-32700, body.RootElement.ErrorCode());
    }
}
