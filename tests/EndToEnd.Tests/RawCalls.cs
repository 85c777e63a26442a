using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Platform.Testing;

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
            Content = JsonContent.Create(
                new
                {
                    jsonrpc = "2.0",
                    id = 1,
                    method = "tools/call",
                    @params = new { name = tool, arguments },
                }
            ),
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
        return answer.TryGetProperty("result", out var result)
            ? result
            : throw new InvalidOperationException($"{(int)response.StatusCode}: {answer.GetRawText()}");
    }

    /// <summary>The same for the first call to a suite that has just started: who calls may not be known for a moment.</summary>
    public async Task<JsonElement> CallUntilAnsweredAsync(string tool, object arguments, CancellationToken cancellationToken)
    {
        using var response = await Eventually.AsyncFound(
            async () =>
            {
                var answered = await SendAsync(tool, arguments);
                if (answered.StatusCode != HttpStatusCode.ServiceUnavailable)
                {
                    return answered;
                }

                answered.Dispose();
                return null;
            },
            () => $"an answer to {tool}"
        );
        return (await response.Content.ReadFromJsonAsync<JsonElement>(cancellationToken)).GetProperty("result");
    }

    /// <summary>The id of the caller's sandbox.</summary>
    public async Task<string> FindSandboxAsync() =>
        (await CallAsync("list_environments", new { }))
            .GetProperty("structuredContent")
            .GetProperty("environments")
            .EnumerateArray()
            .First(environment => environment.GetProperty("kind").GetString() == "sandbox")
            .GetProperty("id")
            .GetString()!;

    public void Dispose() => _http.Dispose();
}
