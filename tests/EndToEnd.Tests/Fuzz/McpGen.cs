using System.Text.Json;
using CsCheck;

namespace Platform.EndToEnd.Tests.Fuzz;

/// <summary>Messages to the MCP endpoint: every tool of <c>tools/list</c>, every method, and what is no message at all.</summary>
internal sealed class McpGen(IReadOnlyList<JsonElement> tools, SchemaGen schemas, Credentials credentials)
{
    private const string Modern = "2026-07-28";
    private const string Open = """{"type":"object","additionalProperties":{}}""";

    private const string Cursor = """ "cursor":{"type":"string"} """;
    private const string Uri = """ "uri":{"type":"string"} """;

    private const string Meta = """
        {"type":"object","properties":{
        "progressToken":{"anyOf":[{"type":"string"},{"type":"integer"}]},
        "traceparent":{"type":"string"},
        "io.modelcontextprotocol/protocolVersion":{"enum":["2026-07-28"]},
        "io.modelcontextprotocol/clientCapabilities":{"type":"object","properties":{
            "elicitation":{"type":"object","properties":{"form":{"type":"object"},"url":{"type":"object"}}},
            "sampling":{"type":"object"},"roots":{"type":"object"},"extensions":{"type":"object"}}},
        "io.modelcontextprotocol/clientInfo":{"type":"object","properties":{"name":{"type":"string"},"version":{"type":"string"}},
            "required":["name","version"]}},
        "required":["io.modelcontextprotocol/protocolVersion","io.modelcontextprotocol/clientCapabilities"]}
        """;

    private const string Answers = """
        "requestState":{"type":"string"},"inputResponses":{"type":"object","properties":{"confirm":{"type":"object","properties":{
            "action":{"enum":["accept","decline","cancel"]},
            "content":{"type":"object","properties":{"confirm":{"type":"boolean"}}}}}}}
        """;

    // The members of the params of each method, besides _meta.
    private static readonly (string Method, string Members, string[] Required)[] _methods =
    [
        (
            "initialize",
            """
            "protocolVersion":{"enum":["2024-11-05","2025-03-26","2025-06-18","2025-11-25","2026-07-28","1"]},"capabilities":"open",
            "clientInfo":{"type":"object","properties":{"name":{"type":"string"},"version":{"type":"string"},"icons":{"type":"array",
                "items":{"type":"object","properties":{"src":{"type":"string"}}}}},"required":["name","version"]}
            """,
            ["protocolVersion", "capabilities", "clientInfo"]
        ),
        ("ping", "", []),
        ("server/discover", "", []),
        ("tools/list", Cursor, []),
        ("prompts/list", Cursor, []),
        ("resources/list", Cursor, []),
        ("resources/templates/list", Cursor, []),
        ("resources/subscribe", Uri, ["uri"]),
        ("resources/unsubscribe", Uri, ["uri"]),
        (
            "subscriptions/listen",
            """
            "notifications":{"type":"object","properties":{"toolsListChanged":{"type":"boolean"},
                "resourceSubscriptions":{"type":"array","items":{"type":"string"}}}}
            """,
            ["notifications"]
        ),
        ("logging/setLevel", """ "level":{"enum":["debug","info","emergency","x"]} """, ["level"]),
        (
            "completion/complete",
            """
            "ref":{"anyOf":[
              {"type":"object","properties":{"type":{"enum":["ref/prompt"]},"name":{"type":"string"}},"required":["type","name"]},
                {"type":"object","properties":{"type":{"enum":["ref/resource","ref/x"]},"uri":{"enum":[
                "platform://tables/{tableId}","platform://{environment}/tables/{tableId}","x"]}},"required":["type","uri"]}]},
            "argument":{"type":"object","properties":{"name":{"enum":["tableId","environment","table","database","x"]},
                "value":{"type":"string"}},"required":["name","value"]},
            "context":{"type":"object","properties":{"arguments":{"type":"object","additionalProperties":{"type":"string"}}}}
            """,
            ["ref", "argument"]
        ),
        ("sampling/createMessage", "", []),
        ("tasks/get", """ "taskId":{"type":"string"} """, []),
        ("notifications/initialized", "", []),
        ("notifications/cancelled", """ "requestId":{"type":"string"} """, []),
        ("notifications/progress", """ "progressToken":{"type":"string"},"progress":{"type":"number"} """, []),
    ];

    /// <param name="prompts">The names of those that exist.</param>
    /// <param name="resources">URIs that exist, or are shaped like one.</param>
    public Gen<Attempt> All(IReadOnlyList<string> prompts, IReadOnlyList<string> resources) =>
        Gen.Frequency(
            (12, Gen.OneOf([.. tools.Select(Tool)])),
            (3, Gen.OneOf([.. tools.Select(Compact)])),
            (4, Gen.OneOf([.. _methods.Select(method => Method(method.Method, "", method.Members, method.Required))])),
            (
                1,
                Gen.OneOf([
                    .. resources.Select(uri =>
                        Method(
                            "resources/read",
                            uri,
                            $$"""
                            "uri":{"enum":[{{JsonSerializer.Serialize(uri)}}]},{{Answers}}
                            """,
                            ["uri"]
                        )
                    ),
                ])
            ),
            (
                1,
                Gen.OneOf([
                    .. prompts.Select(prompt =>
                        Method(
                            "prompts/get",
                            prompt,
                            $$$"""
                            "name":{"enum":["{{{prompt}}}"]},"arguments":{{{Open}}},{{{Answers}}}
                            """,
                            ["name"]
                        )
                    ),
                ])
            ),
            (1, Hostile.Json.SelectMany(body => Post("body", Gen.Const(body), false, "", ""))),
            (1, Batch())
        );

    private Gen<Attempt> Tool(JsonElement tool)
    {
        var name = tool.GetProperty("name").GetString()!;
        return Method(
            "tools/call",
            name,
            $$"""
            "name":{"enum":[{{JsonSerializer.Serialize(name)}}]},"arguments":{{tool.GetProperty("inputSchema").GetRawText()}},{{Answers}}
            """,
            ["name", "arguments"]
        );
    }

    private Gen<Attempt> Compact(JsonElement tool)
    {
        var name = tool.GetProperty("name").GetString()!;
        var isRead =
            tool.TryGetProperty("annotations", out var hints) && hints.TryGetProperty("readOnlyHint", out var read) && read.GetBoolean();
        var through = isRead ? "query" : "mutate";
        return Method(
            "tools/call",
            through,
            $$"""
            "name":{"enum":["{{through}}"]},"arguments":{"type":"object","properties":{"operation":{"enum":["{{name}}"]},
                "arguments":{{tool.GetProperty("inputSchema").GetRawText()}} },"required":["operation","arguments"]}
            """,
            ["name", "arguments"]
        );
    }

    private Gen<Attempt> Method(string method, string name, string members, string[] required)
    {
        var modern = Message(method, members, required, "\"_meta\":" + Meta, "_meta");
        var old = Message(method, members, required, "\"_meta\":" + Open);
        var surface = name.Length > 0 && method != "resources/read" ? $"mcp {method} {name}" : $"mcp {method}";
        return Gen.Frequency((1, Post(surface, modern, true, method, name)), (1, Post(surface, old, false, method, name)));
    }

    private Gen<string> Message(string method, string members, string[] required, params string[] meta)
    {
        var all = string.Join(
            ',',
            new[] { members.Replace("\"open\"", Open, StringComparison.Ordinal), meta[0] }.Where(part => part.Trim().Length > 0)
        );
        using var document = JsonDocument.Parse(
            $$"""
            {"type":"object","properties":{
                "jsonrpc":{"enum":["2.0"]},
                "id":{"anyOf":[{"type":"string"},{"enum":[1,-1,0,9223372036854775807]}]},
                "method":{"enum":["{{method}}"]},
                "params":{"type":"object","properties":{ {{all}} },"required":{{JsonSerializer.Serialize(required.Concat(meta.Skip(1)))}} }
            },"required":["jsonrpc","id","method","params"]}
            """
        );
        return schemas.Around(document.RootElement.Clone());
    }

    private Gen<Attempt> Batch() =>
        Gen.Select(Message("ping", "", [], "\"_meta\":" + Open).Array[0, 4], credentials.Any)
            .Select(
                (bodies, token) =>
                    Request(
                        "mcp batch",
                        "POST",
                        "/mcp",
                        [("Content-Type", "application/json")],
                        $"[{string.Join(',', bodies)}]",
                        Framing.Length,
                        token
                    )
            );

    private Gen<Attempt> Post(string surface, Gen<string> body, bool modern, string method, string name)
    {
        (string, string)[] usual =
        [
            ("Content-Type", "application/json"),
            ("Accept", "application/json, text/event-stream"),
            ("MCP-Protocol-Version", modern ? Modern : "2025-11-25"),
            .. modern && method.Length > 0 ? [("Mcp-Method", method)] : ((string, string)[])[],
            .. modern && name.Length > 0 ? [("Mcp-Name", name)] : ((string, string)[])[],
        ];
        var verb = Gen.Frequency((60, Gen.Const("POST")), (1, Gen.OneOf("GET", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE", "X")));
        return Gen.Select(verb, Target(), Requests.Headers(usual), body, Requests.AnyFraming, credentials.Any)
            .Select((way, target, headers, text, framing, token) => Request(surface, way, target, headers, text, framing, token));
    }

    private static Attempt Request(
        string surface,
        string method,
        string target,
        IReadOnlyList<(string, string)> headers,
        string body,
        Framing framing,
        Shown token
    ) => new(surface, method, target, [.. headers, .. token.Headers], body, framing, token.Works);

    private static Gen<string> Target() =>
        Gen.Frequency(
            (30, Gen.Const("/mcp")),
            (10, Gen.Const("/mcp?toolsets=all")),
            (
                4,
                Gen.OneOf(
                    "/mcp/",
                    "/mcp?readOnly=true",
                    "/mcp?environment=sandbox",
                    "/mcp?environment=production",
                    "/mcp?surface=compact",
                    "/mcp?toolsets=records,audit",
                    "/mcp?toolsets=records&toolsets=audit",
                    "/mcp?workspace=x"
                )
            ),
            (
                3,
                Gen.Select(Gen.OneOf("toolsets", "readOnly", "environment", "workspace", "surface", "x"), Hostile.UrlText, (key, value) =>
                    $"/mcp?{key}={value}"
                )
            ),
            (1, Hostile.UrlText.Select(text => $"/mcp?{text}"))
        );
}
