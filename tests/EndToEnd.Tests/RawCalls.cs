using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;

namespace Platform.EndToEnd.Tests;

/// <summary>Tool calls as plain HTTP, for what an MCP client would smooth over.</summary>
internal sealed class RawCalls(Uri mcp, string token, HttpMessageHandler? handler = null) : IDisposable
{
    private readonly HttpClient _http = handler is null ? new() : new(handler);

    public async Task<HttpResponseMessage> SendAsync(string tool, object arguments)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, mcp)
        {
            Headers = { Authorization = new AuthenticationHeaderValue("Bearer", token) },
            Content = JsonContent.Create(new { jsonrpc = "2.0", id = 1, method = "tools/call", @params = new { name = tool, arguments } }),
        };
        request.Headers.Accept.ParseAdd("application/json");
        request.Headers.Accept.ParseAdd("text/event-stream");
        return await _http.SendAsync(request);
    }

    /// <summary>The <c>result</c> of the answer.</summary>
    public async Task<JsonElement> CallAsync(string tool, object arguments)
    {
        using var response = await SendAsync(tool, arguments);
        var answer = await response.Content.ReadFromJsonAsync<JsonElement>();
        return answer.TryGetProperty("result", out var result) ? result : throw new InvalidOperationException($"{(int)response.StatusCode}: {answer.GetRawText()}");
    }

    public void Dispose() => _http.Dispose();
}
