using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Platform.Bench.Campaign;

/// <summary>Calls tools and the governance API, takes whatever comes back, and writes it down.</summary>
internal sealed partial class CampaignClient(HttpClient http, string mcp, string token, Ledger ledger)
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(75);

    public async Task<Attempt> CallAsync(string kind, string tool, JsonObject arguments)
    {
        var trace = ActivityTraceId.CreateRandom().ToHexString();
        var traceParent = $"00-{trace}-{ActivitySpanId.CreateRandom().ToHexString()}-01";
        var body = JsonNode.Parse(McpCaller.Prepare(tool, arguments))!;
        body["params"]!["_meta"]!["traceparent"] = traceParent;
        using var request = new HttpRequestMessage(HttpMethod.Post, mcp)
        {
            Content = new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json"),
        };
        request.Headers.Add("traceparent", traceParent);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        request.Headers.Accept.ParseAdd("application/json, text/event-stream");
        request.Headers.Add("MCP-Protocol-Version", McpCaller.Version);
        request.Headers.Add("Mcp-Method", "tools/call");
        request.Headers.Add("Mcp-Name", tool);
        return await SendAsync(kind, tool, trace, request, (_, text) => ReadTool(text));
    }

    /// <summary>A request of a person to the governance API.</summary>
    public Task<Attempt> GovernAsync(string what, HttpMethod method, string url, string bearer, JsonObject? content = null)
    {
        var request = new HttpRequestMessage(method, url);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", bearer);
        if (content is not null)
        {
            request.Content = new StringContent(content.ToJsonString(), Encoding.UTF8, "application/json");
        }

        return SendAsync(Kinds.Governance, what, "", request, ReadGovernance);
    }

    private async Task<Attempt> SendAsync(
        string kind,
        string tool,
        string trace,
        HttpRequestMessage request,
        Func<int, string, (string Answer, string? Text, JsonObject? Content)> read
    )
    {
        var began = DateTimeOffset.UtcNow;
        (string Answer, string? Text, JsonObject? Content) answer;
        try
        {
            using var limit = new CancellationTokenSource(_patience);
            using var response = await http.SendAsync(request, limit.Token);
            answer = read((int)response.StatusCode, await response.Content.ReadAsStringAsync(limit.Token));
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or OperationCanceledException)
        {
            // Without a connection nothing was sent, and nothing can have happened.
            var nothingSent = exception is HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError };
            answer = (nothingSent ? "503" : Attempt.Lost, exception.Message, null);
        }

        return ledger.Add(new Attempt(kind, tool, trace, began, DateTimeOffset.UtcNow, answer.Answer, answer.Text, answer.Content));
    }

    private static (string, string?, JsonObject?) ReadTool(string text)
    {
        // What takes long comes as an event stream, whose last message is the answer.
        var json = text.StartsWith('{')
            ? text
            : text.Split('\n').LastOrDefault(line => line.StartsWith("data: {", StringComparison.Ordinal))?["data: ".Length..];
        if (json is null)
        {
            return (Attempt.Lost, text, null);
        }

        JsonNode message;
        try
        {
            message = JsonNode.Parse(json)!;
        }
        catch (JsonException)
        {
            return (Attempt.Lost, text, null);
        }

        if (message["result"] is JsonObject result)
        {
            if (result["isError"]?.GetValue<bool>() != true && result["structuredContent"] is JsonObject content)
            {
                return (content["confirmationRequired"]?.GetValue<bool>() == true ? Attempt.Preview : Attempt.Ok, null, content);
            }

            return Failed(result["content"]?[0]?["text"]?.GetValue<string>() ?? json);
        }

        return Failed(message["error"]?["message"]?.GetValue<string>() ?? json);
    }

    private static (string, string?, JsonObject?) ReadGovernance(int status, string text)
    {
        JsonObject? content = null;
        try
        {
            content = text.StartsWith('{') ? JsonNode.Parse(text) as JsonObject : null;
        }
        catch (JsonException)
        {
            // Not JSON after all: the status says enough.
        }

        return status < 300
            ? (Attempt.Ok, null, content)
            : ((content?["reason"] ?? content?["error"])?.ToString() ?? $"{status}", text, null);
    }

    private static (string, string?, JsonObject?) Failed(string text) =>
        (Reason().Match(text) is { Success: true } reason ? reason.Groups[1].Value : "other", text, null);

    [GeneratedRegex("^([A-Z_]{3,}):")]
    private static partial Regex Reason();
}
