using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Platform.Edge.Tests.Protocol;

/// <summary>Builds raw MCP requests, well-formed unless a test breaks them.</summary>
internal static class Post
{
    public const string Modern = "2026-07-28";

    public static HttpRequestMessage Raw(Uri url, string body, Action<HttpRequestMessage>? change = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("text/event-stream"));
        change?.Invoke(request);
        return request;
    }

    /// <summary>A request by the rules of 2026-07-28.</summary>
    public static HttpRequestMessage ModernRequest(
        Uri url,
        string method,
        string members = "",
        string? name = null,
        Action<HttpRequestMessage>? change = null,
        string capabilities = "{}",
        string? token = null
    )
    {
        var progress = token is null ? "" : $"\"progressToken\":{token},";
        var meta =
            $"{progress}\"io.modelcontextprotocol/protocolVersion\":\"{Modern}\","
            + $"\"io.modelcontextprotocol/clientCapabilities\":{capabilities}";
        var comma = members.Length > 0 ? "," : "";
        var parameters = $$"""{{{members}}{{comma}}"_meta":{{{meta}} } }""";
        var body = $$"""{"jsonrpc":"2.0","id":7,"method":"{{method}}","params":{{parameters}} }""";
        return Raw(url, body, request =>
        {
            request.Headers.Add("MCP-Protocol-Version", Modern);
            request.Headers.Add("Mcp-Method", method);
            if (name is not null)
            {
                request.Headers.Add("Mcp-Name", name);
            }

            change?.Invoke(request);
        });
    }

    public static HttpRequestMessage Call(
        Uri url,
        string tool,
        string arguments = "{}",
        Action<HttpRequestMessage>? change = null,
        string more = "",
        string capabilities = "{}"
    ) => ModernRequest(url, "tools/call", $$"""{{more}}"name":"{{tool}}","arguments":{{arguments}}""", tool, change, capabilities);

    /// <summary>A request of the era of initialize.</summary>
    public static HttpRequestMessage OldCall(Uri url, string tool, string arguments = "{}", Action<HttpRequestMessage>? change = null) =>
        Raw(
            url,
            $$$"""{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"{{{tool}}}","arguments":{{{arguments}}}}}""",
            request =>
            {
                request.Headers.Add("MCP-Protocol-Version", "2025-11-25");
                change?.Invoke(request);
            }
        );

    public static async Task<JsonElement> JsonAsync(this HttpResponseMessage response)
    {
        using var document = JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync());
        return document.RootElement.Clone();
    }

    public static int ErrorCode(this JsonElement body) => body.GetProperty("error").GetProperty("code").GetInt32();
}
