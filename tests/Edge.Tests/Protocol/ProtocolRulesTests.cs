using System.Net;
using System.Net.Http.Headers;
using Platform.Edge.Tests.Fixture;

namespace Platform.Edge.Tests.Protocol;

public sealed class ProtocolRulesTests : IAsyncLifetime
{
    private readonly HttpClient _http = new();
    private FixtureServer _server = null!;

    private Uri Url => _server.Url;

    public async ValueTask InitializeAsync() => _server = await FixtureServer.StartAsync(("Edge:MaxRequestBytes", "4096"));

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _server.DisposeAsync();
    }

    /// <summary>The one exception that nobody foresaw, with its method.</summary>
    private (string Method, string Message) Unforeseen()
    {
        var (method, exception) = Assert.Single(_server.Application.Unforeseen);
        return (method, exception.Message);
    }

    private Task<HttpResponseMessage> SendAsync(HttpRequestMessage request) =>
        _http.SendAsync(request, TestContext.Current.CancellationToken);

    [Fact]
    public async Task A_call_is_answered_with_one_json_object()
    {
        using var response = await SendAsync(Post.Call(Url, "echo", """{"text":"hi"}"""));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("application/json", response.Content.Headers.ContentType!.MediaType);
        var body = await response.JsonAsync();
        Assert.Equal(7, body.GetProperty("id").GetInt32());
        var result = body.GetProperty("result");
        Assert.Equal("hi", result.GetProperty("content")[0].GetProperty("text").GetString());
        Assert.Equal("complete", result.GetProperty("resultType").GetString());
        Assert.Equal(
            "platform",
            result.GetProperty("_meta").GetProperty("io.modelcontextprotocol/serverInfo").GetProperty("name").GetString()
        );
    }

    [Fact]
    public async Task A_prewritten_result_goes_out_as_it_is_in_both_eras()
    {
        using var modern = await SendAsync(Post.Call(Url, "raw"));
        var body = await modern.JsonAsync();
        Assert.Equal(1, body.GetProperty("result").GetProperty("structuredContent").GetProperty("n").GetInt32());
        Assert.Equal("complete", body.GetProperty("result").GetProperty("resultType").GetString());
        Assert.True(body.GetProperty("result").GetProperty("_meta").TryGetProperty("io.modelcontextprotocol/serverInfo", out _));

        using var old = await SendAsync(Post.OldCall(Url, "raw"));
        body = await old.JsonAsync();
        Assert.Equal("a", body.GetProperty("id").GetString());
        Assert.Equal(1, body.GetProperty("result").GetProperty("structuredContent").GetProperty("n").GetInt32());
        Assert.False(body.GetProperty("result").TryGetProperty("resultType", out _));
    }

    [Theory]
    [InlineData("https://evil.example")]
    [InlineData("null")]
    [InlineData("http://claude.example")]
    [InlineData("http://localhost:6274")]
    public async Task A_foreign_origin_is_refused(string origin)
    {
        using var response = await SendAsync(Post.Call(Url, "echo", change: r => r.Headers.Add("Origin", origin)));
        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
        Assert.False(response.Headers.Contains("Access-Control-Allow-Origin"));
    }

    [Theory]
    [InlineData("https://claude.example")]
    [InlineData("https://mcp.example.test")]
    public async Task A_listed_origin_may_read_the_reply(string origin)
    {
        using var response = await SendAsync(Post.Call(Url, "echo", """{"text":"hi"}""", r => r.Headers.Add("Origin", origin)));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(origin, response.Headers.GetValues("Access-Control-Allow-Origin").Single());
        Assert.Contains(
            "WWW-Authenticate",
            string.Join(',', response.Headers.GetValues("Access-Control-Expose-Headers")),
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("http://localhost:6274", HttpStatusCode.OK)]
    [InlineData("http://127.0.0.1:5173", HttpStatusCode.OK)]
    [InlineData("http://localhost.evil.example", HttpStatusCode.Forbidden)]
    public async Task Pages_of_this_machine_may_call_where_development_allows_it(string origin, HttpStatusCode expected)
    {
        await using var server = await FixtureServer.StartAsync(("Edge:AllowLoopbackOrigins", "true"));
        using var response = await SendAsync(Post.Call(server.Url, "echo", """{"text":"hi"}""", r => r.Headers.Add("Origin", origin)));
        Assert.Equal(expected, response.StatusCode);
    }

    [Fact]
    public async Task A_preflight_of_a_listed_origin_may_send_the_headers_of_the_protocol()
    {
        using var request = new HttpRequestMessage(HttpMethod.Options, Url);
        request.Headers.Add("Origin", "https://claude.example");
        request.Headers.Add("Access-Control-Request-Method", "POST");
        request.Headers.Add("Access-Control-Request-Headers", "authorization,content-type,mcp-protocol-version,mcp-method,mcp-name");
        using var response = await SendAsync(request);
        Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
        Assert.Contains(
            "mcp-method",
            response.Headers.GetValues("Access-Control-Allow-Headers").Single(),
            StringComparison.OrdinalIgnoreCase
        );
        Assert.Contains("POST", response.Headers.GetValues("Access-Control-Allow-Methods").Single(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("DELETE")]
    [InlineData("PUT")]
    public async Task Only_post_is_served(string method)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), Url);
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("text/event-stream"));
        using var response = await SendAsync(request);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, response.StatusCode);
        Assert.Equal("POST", response.Content.Headers.Allow.Single());
    }

    [Theory]
    [InlineData("text/event-stream")]
    [InlineData("text/html")]
    [InlineData("application/json;q=0, text/event-stream")]
    public async Task A_client_must_accept_json(string accept)
    {
        using var response = await SendAsync(Post.Call(Url, "echo", change: Accepting(accept)));
        Assert.Equal(HttpStatusCode.NotAcceptable, response.StatusCode);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("application/json")]
    [InlineData("application/json, text/event-stream;q=0")]
    public async Task A_client_that_takes_json_alone_gets_the_answer_alone(string? accept)
    {
        using var response = await SendAsync(
            Post.ModernRequest(Url, "tools/call", "\"name\":\"progress\"", "progress", Accepting(accept), token: "\"p1\"")
        );
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("application/json", response.Content.Headers.ContentType!.MediaType);
        var answer = await response.JsonAsync();
        Assert.Equal("done", answer.GetProperty("result").GetProperty("content")[0].GetProperty("text").GetString());
    }

    private static Action<HttpRequestMessage> Accepting(string? accept) =>
        request =>
        {
            request.Headers.Accept.Clear();
            if (accept is not null)
            {
                request.Headers.TryAddWithoutValidation("Accept", accept);
            }
        };

    [Theory]
    [InlineData("""{"protocolVersion":"2025-11-25","capabilities":{}}""", "The params lack clientInfo.")]
    [InlineData("""{}""", "The params lack protocolVersion, capabilities, clientInfo.")]
    [InlineData(
        """{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":5,"version":"1"}}""",
        "The member params.clientInfo.name does not have the form that the method needs."
    )]
    public async Task Params_of_a_wrong_form_are_refused_by_the_name_of_the_member(string parameters, string message)
    {
        using var response = await SendAsync(Post.Raw(Url, $$"""{"jsonrpc":"2.0","id":1,"method":"initialize","params":{{parameters}}}"""));
        var error = (await response.JsonAsync()).GetProperty("error");
        Assert.Equal((-32602, message), (error.GetProperty("code").GetInt32(), error.GetProperty("message").GetString()));
    }

    [Fact]
    public async Task Who_opens_with_an_unknown_version_is_offered_the_newest_that_opens_so()
    {
        const string Parameters = """{"protocolVersion":"2099-01-01","capabilities":{},"clientInfo":{"name":"c","version":"1"}}""";
        using var response = await SendAsync(Post.Raw(Url, $$"""{"jsonrpc":"2.0","id":1,"method":"initialize","params":{{Parameters}}}"""));
        var result = (await response.JsonAsync()).GetProperty("result");
        Assert.Equal("2025-11-25", result.GetProperty("protocolVersion").GetString());
    }

    [Theory]
    [InlineData("{not json", -32700)]
    [InlineData("", -32700)]
    [InlineData("""{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}""", -32700)]
    [InlineData("""[{"jsonrpc":"2.0","id":1,"method":"ping"}]""", -32600)]
    [InlineData("""{"jsonrpc":"2.0","id":null,"method":"ping"}""", -32600)]
    [InlineData("""{"jsonrpc":"2.0","id":1.5,"method":"ping"}""", -32600)]
    [InlineData("""{"jsonrpc":"2.0","id":1,"result":{}}""", -32600)]
    [InlineData("""{"jsonrpc":"1.0","id":1,"method":"ping"}""", -32600)]
    [InlineData("""{"id":1,"method":"ping"}""", -32600)]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}""", -32600)]
    public async Task A_body_that_is_not_one_message_is_refused(string body, int code)
    {
        using var response = await SendAsync(Post.Raw(Url, body));
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal(code, (await response.JsonAsync()).ErrorCode());
    }

    [Fact]
    public async Task A_body_that_is_not_json_by_its_type_is_refused()
    {
        using var response = await SendAsync(
            Post.Raw(Url, "{}", r => r.Content!.Headers.ContentType = new MediaTypeHeaderValue("text/plain"))
        );
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, response.StatusCode);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_body_past_the_limit_is_refused(bool chunked)
    {
        using var response = await SendAsync(
            Post.Call(Url, "echo", $$"""{"text":"{{new string('x', 5000)}}"}""", r => r.Headers.TransferEncodingChunked = chunked)
        );
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
    }

    [Fact]
    public async Task An_unknown_version_is_told_the_known_ones()
    {
        using var response = await SendAsync(
            Post.Raw(Url, """{"jsonrpc":"2.0","id":1,"method":"tools/list"}""", r => r.Headers.Add("MCP-Protocol-Version", "2099-01-01"))
        );
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        var body = await response.JsonAsync();
        Assert.Equal(-32022, body.ErrorCode());
        Assert.Equal("2099-01-01", body.GetProperty("error").GetProperty("data").GetProperty("requested").GetString());
        Assert.Equal("2026-07-28", body.GetProperty("error").GetProperty("data").GetProperty("supported")[0].GetString());
    }

    [Theory]
    [InlineData("MCP-Protocol-Version", null, -32020)]
    [InlineData("MCP-Protocol-Version", "2025-11-25", -32020)]
    [InlineData("Mcp-Method", null, -32020)]
    [InlineData("Mcp-Method", "tools/list", -32020)]
    [InlineData("Mcp-Name", null, -32020)]
    [InlineData("Mcp-Name", "other", -32020)]
    [InlineData("Mcp-Name", "=?base64?!!?=", -32020)]
    public async Task A_header_that_does_not_mirror_the_body_is_refused(string header, string? value, int code)
    {
        using var response = await SendAsync(Post.Call(Url, "echo", """{"text":"hi"}""", r =>
            {
                r.Headers.Remove(header);
                if (value is not null)
                {
                    r.Headers.Add(header, value);
                }
            }));
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        var body = await response.JsonAsync();
        Assert.Equal(code, body.ErrorCode());
        Assert.Equal(7, body.GetProperty("id").GetInt32());
    }

    [Fact]
    public async Task A_name_may_be_mirrored_in_base64()
    {
        using var response = await SendAsync(Post.Call(Url, "echo", """{"text":"hi"}""", r =>
            {
                r.Headers.Remove("Mcp-Name");
                r.Headers.Add("Mcp-Name", "=?base64?ZWNobw==?=");
            }));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Theory]
    [InlineData("""{"name":"echo"}""")]
    [InlineData("""{"name":"echo","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}""")]
    [InlineData(
        """
            {"name":"echo","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",
             "io.modelcontextprotocol/clientCapabilities":1}}
            """
    )]
    public async Task A_modern_request_without_its_metadata_is_refused(string parameters)
    {
        using var response = await SendAsync(
            Post.Raw(Url, $$"""{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{parameters}}}""", r =>
            {
                r.Headers.Add("MCP-Protocol-Version", Post.Modern);
                r.Headers.Add("Mcp-Method", "tools/call");
                r.Headers.Add("Mcp-Name", "echo");
            })
        );
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal(-32602, (await response.JsonAsync()).ErrorCode());
    }

    [Theory]
    [InlineData("initialize")]
    [InlineData("ping")]
    [InlineData("logging/setLevel")]
    [InlineData("resources/subscribe")]
    [InlineData("no/such/method")]
    public async Task A_method_the_modern_era_does_not_have_is_not_found(string method)
    {
        using var response = await SendAsync(Post.ModernRequest(Url, method));
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Equal(-32601, (await response.JsonAsync()).ErrorCode());
    }

    [Fact]
    public async Task An_unknown_method_of_the_older_era_is_an_ordinary_reply()
    {
        using var response = await SendAsync(
            Post.Raw(Url, """{"jsonrpc":"2.0","id":1,"method":"no/such"}""", r => r.Headers.Add("MCP-Protocol-Version", "2025-06-18"))
        );
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(-32601, (await response.JsonAsync()).ErrorCode());
    }

    [Fact]
    public async Task A_notification_is_accepted_without_a_body()
    {
        using var response = await SendAsync(Post.Raw(Url, """{"jsonrpc":"2.0","method":"notifications/initialized"}"""));
        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
        Assert.Empty(await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_session_id_is_ignored_and_none_is_given()
    {
        using var response = await SendAsync(
            Post.OldCall(Url, "echo", """{"text":"hi"}""", r => r.Headers.Add("Mcp-Session-Id", "made-up"))
        );
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.False(response.Headers.Contains("Mcp-Session-Id"));
    }

    [Fact]
    public async Task A_tool_that_breaks_tells_no_detail()
    {
        using var response = await SendAsync(Post.Call(Url, "throw"));
        var result = (await response.JsonAsync()).GetProperty("result");
        Assert.Equal((true, "Explained."), (result.IsError(), result.Text()));
        Assert.Equal(("tools/call", "a secret detail"), Unforeseen());
    }

    [Theory]
    [InlineData("prompts/list", HttpStatusCode.OK)]
    [InlineData(FixtureApplication.NeverOpened, HttpStatusCode.InternalServerError)]
    public async Task Whatever_breaks_is_explained_once_and_tells_no_detail(string method, HttpStatusCode status)
    {
        using var response = await SendAsync(Post.ModernRequest(Url, method));
        var answer = await response.JsonAsync();
        Assert.Equal((status, -32603), (response.StatusCode, answer.ErrorCode()));
        Assert.Equal("Explained.", answer.GetProperty("error").GetProperty("message").GetString());
        Assert.Equal(7, answer.GetProperty("id").GetInt32());
        Assert.Equal((method, "a secret detail"), Unforeseen());
    }

    [Fact]
    public async Task A_broken_cursor_and_an_unknown_tool_are_invalid_params()
    {
        using var response = await SendAsync(Post.Call(Url, "no_such_tool"));
        Assert.Equal(-32602, (await response.JsonAsync()).ErrorCode());
    }

    [Fact]
    public async Task Discovery_names_the_version_and_its_freshness()
    {
        using var response = await SendAsync(Post.ModernRequest(Url, "server/discover"));
        var result = (await response.JsonAsync()).GetProperty("result");
        Assert.Contains("2026-07-28", result.GetProperty("supportedVersions").EnumerateArray().Select(v => v.GetString()));
        Assert.Equal(60_000, result.GetProperty("ttlMs").GetInt32());
        Assert.Equal("private", result.GetProperty("cacheScope").GetString());
        Assert.Equal("Fixture.", result.GetProperty("instructions").GetString());
    }

    [Theory]
    [InlineData("/.well-known/oauth-protected-resource/mcp", "")]
    [InlineData("/.well-known/oauth-protected-resource", "")]
    [InlineData("/.well-known/oauth-protected-resource/mcp/", "/")]
    [InlineData("/.well-known/oauth-protected-resource/mcp?toolsets=all&readOnly=true", "?toolsets=all&readOnly=true")]
    [InlineData("/.well-known/oauth-protected-resource/mcp/?environment=a%22b", "/?environment=a%22b")]
    public async Task The_metadata_names_the_url_that_was_asked_whatever_the_host_header_says(string path, string rest)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(Url, path));
        request.Headers.Host = "evil.example";
        request.Headers.Add("Origin", "https://claude.example");
        using var response = await SendAsync(request);
        var body = await response.JsonAsync();
        Assert.Equal($"https://mcp.example.test/mcp{rest}", body.GetProperty("resource").GetString());
        Assert.Equal("https://id.example.test/realms/platform", body.GetProperty("authorization_servers")[0].GetString());
        Assert.Equal(["things:read", "things:write"], body.GetProperty("scopes_supported").EnumerateArray().Select(s => s.GetString()));
        Assert.Equal("https://claude.example", response.Headers.GetValues("Access-Control-Allow-Origin").Single());
    }
}
