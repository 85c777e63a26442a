using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;

namespace Platform.Bench;

/// <summary>Calls tools as a client of the newest protocol does, with as little work of its own as it takes.</summary>
internal sealed class McpCaller(HttpClient http, string url, string token)
{
    public const string Version = "2026-07-28";

    public async Task<JsonObject> CallAsync(string tool, JsonObject arguments)
    {
        using var answer = await SendAsync(tool, Prepare(tool, arguments));
        var parsed = JsonNode.Parse(await answer.Content.ReadAsStringAsync())!.AsObject();
        return
            parsed["result"] is JsonObject result
            && result["isError"]?.GetValue<bool>() != true
            && result["structuredContent"] is JsonObject content
            ? content
            : throw new InvalidOperationException($"{tool}: {parsed.ToJsonString()}");
    }

    /// <summary>The text of an answer that has no structured content.</summary>
    public async Task<string> TextAsync(string tool, JsonObject arguments)
    {
        using var answer = await SendAsync(tool, Prepare(tool, arguments));
        var parsed = JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
        return parsed["result"]?["content"]?[0]?["text"]?.GetValue<string>()
            ?? throw new InvalidOperationException($"{tool}: {parsed.ToJsonString()}");
    }

    /// <summary>The same with a body written beforehand; only the status and the length of the answer are looked at.</summary>
    public async Task<int> SendPreparedAsync(string tool, string body)
    {
        using var answer = await SendAsync(tool, body);
        var bytes = await answer.Content.ReadAsByteArrayAsync();
        return answer.IsSuccessStatusCode && bytes.AsSpan().IndexOf("\"isError\":true"u8) < 0
            ? bytes.Length
            : throw new InvalidOperationException($"{tool}: {(int)answer.StatusCode} {Encoding.UTF8.GetString(bytes)}");
    }

    public static string Prepare(string tool, JsonObject arguments) => Body(tool, arguments).ToJsonString();

    private static JsonObject Body(string tool, JsonObject arguments) =>
        new()
        {
            ["jsonrpc"] = "2.0",
            ["id"] = 1,
            ["method"] = "tools/call",
            ["params"] = new JsonObject
            {
                ["name"] = tool,
                ["arguments"] = arguments,
                ["_meta"] = new JsonObject
                {
                    ["io.modelcontextprotocol/protocolVersion"] = Version,
                    ["io.modelcontextprotocol/clientCapabilities"] = new JsonObject(),
                },
            },
        };

    private async Task<HttpResponseMessage> SendAsync(string tool, string body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, url);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        request.Headers.Accept.ParseAdd("application/json, text/event-stream");
        request.Headers.Add("MCP-Protocol-Version", Version);
        request.Headers.Add("Mcp-Method", "tools/call");
        request.Headers.Add("Mcp-Name", tool);
        request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        return await http.SendAsync(request);
    }
}
