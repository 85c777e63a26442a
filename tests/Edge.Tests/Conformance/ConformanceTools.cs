using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

#pragma warning disable MCP9005 // Sampling, roots and logging are deprecated with 2026-07-28, and still what the suite asks for.

namespace Platform.Edge.Tests.Conformance;

/// <summary>The suite's tools, with the names and answers that its scenarios describe.</summary>
internal static class ConformanceTools
{
    /// <summary>One red pixel.</summary>
    public const string Png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";

    // A WAV file of no length.
    private const string Wav = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=";

    private const string Image = $$"""{"type":"image","data":"{{Png}}","mimeType":"image/png"}""";

    private static readonly byte[] _key = RandomNumberGenerator.GetBytes(32);

    private static readonly Dictionary<string, string> _plain = new()
    {
        ["test_simple_text"] = Text("This is a simple text response for testing."),
        ["test_image_content"] = Image,
        ["test_audio_content"] = $$"""{"type":"audio","data":"{{Wav}}","mimeType":"audio/wav"}""",
        ["test_embedded_resource"] = Embedded("test://embedded-resource", "This is an embedded resource content."),
        ["test_multiple_content_types"] =
            $"{Text("Multiple content types test:")},{Image},{Embedded("test://mixed-content-resource", "mixed")}",
        ["test_logging_tool"] = Text("Nothing was logged."),
        ["test_mirrored_parameter"] = Text("The header said the same."),
        ["json_schema_2020_12_tool"] = Text("A schema."),
    };

    private static readonly string[] _asking =
    [
        "test_input_required_result_elicitation",
        "test_input_required_result_sampling",
        "test_input_required_result_list_roots",
        "test_input_required_result_request_state",
        "test_input_required_result_tampered_state",
        "test_input_required_result_multiple_inputs",
        "test_input_required_result_multi_round",
        "test_input_required_result_capabilities",
        "test_streaming_elicitation",
    ];

    private static readonly string[] _other =
    [
        "test_error_handling",
        "test_tool_with_progress",
        "test_tool_with_logging",
        "test_missing_capability",
        "test_trigger_tool_change",
        "test_trigger_prompt_change",
    ];

    public static readonly ListToolsResult List = new()
    {
        Tools =
        [
            .. _plain
                .Keys.Concat(_asking)
                .Concat(_other)
                .Order(StringComparer.Ordinal)
                .Select(name => new Tool
                {
                    Name = name,
                    Description = $"The tool {name} of the conformance suite.",
                    InputSchema = Schema(name),
                }),
        ],
        TimeToLive = TimeSpan.FromMinutes(1),
    };

    public static async ValueTask<CallToolResult> CallAsync(
        ConformanceApplication application,
        RequestContext<CallToolRequestParams> request,
        CancellationToken cancellationToken
    )
    {
        var name = request.Params.Name;
        if (_plain.TryGetValue(name, out var content))
        {
            return Answer(content);
        }

        if (_asking.Contains(name))
        {
            return Answer(Text(Ask(name, request)));
        }

        switch (name)
        {
            case "test_error_handling":
                throw new McpException("This tool intentionally returns an error for testing");
            case "test_tool_with_progress":
                for (var done = 0; done <= 100 && request.Params.ProgressToken is { } token; done += 50)
                {
                    await request.Server.NotifyProgressAsync(
                        token,
                        new() { Progress = done, Total = 100 },
                        cancellationToken: cancellationToken
                    );
                }

                return Answer(Text("Done."));
            case "test_tool_with_logging":
                foreach (var message in new[] { "Tool execution started", "Tool processing data", "Tool execution completed" })
                {
                    await request.Server.SendNotificationAsync(
                        NotificationMethods.LoggingMessageNotification,
                        new LoggingMessageNotificationParams
                        {
                            Level = LoggingLevel.Info,
                            Data = JsonSerializer.SerializeToElement(message),
                        },
                        McpJsonUtilities.DefaultOptions,
                        cancellationToken
                    );
                }
                return Answer(Text("Logged."));
            case "test_missing_capability":
                if (request.Server.ClientCapabilities?.Sampling is null)
                {
                    throw new MissingRequiredClientCapabilityException(
                        new ClientCapabilities { Sampling = new() },
                        "The tool needs sampling."
                    );
                }

                return Answer(Text("The client can sample."));
            case "test_trigger_tool_change":
                application.Announce(NotificationMethods.ToolListChangedNotification);
                return Answer(Text("Tools changed."));
            case "test_trigger_prompt_change":
                application.Announce(NotificationMethods.PromptListChangedNotification);
                return Answer(Text("Prompts changed."));
            default:
                throw new McpProtocolException($"Unknown tool: {name}", McpErrorCode.InvalidParams);
        }
    }

    private static string Ask(string name, RequestContext<CallToolRequestParams> request)
    {
        var answers = request.Params.InputResponses;
        switch (name)
        {
            case "test_input_required_result_elicitation":
                var form = Wanted(answers, "user_name", Form("user_name", "What is your name?", "name"));
                return $"Hello, {form.GetProperty("content").GetProperty("name")}!";
            case "test_input_required_result_sampling":
                var sample = Wanted(answers, "capital_question", Sampling("capital_question", "What is the capital of France?"));
                return $"{sample.GetProperty("content")}";
            case "test_input_required_result_list_roots":
                return $"{Wanted(answers, "client_roots", Roots).GetProperty("roots")}";
            case "test_input_required_result_request_state" or "test_input_required_result_tampered_state":
                Wanted(answers, "confirm", Form("confirm", "Please confirm", "ok", "boolean"), Seal(name));
                return Opens(request.Params.RequestState, name) ? "state-ok" : throw Tampered();
            case "test_input_required_result_multiple_inputs":
                var all = $"{Form("user_name", "What is your name?", "name")},{Sampling("greeting", "Generate a greeting")},{Roots}";
                foreach (var key in new[] { "user_name", "greeting", "client_roots" })
                {
                    Wanted(answers, key, all, Seal(name));
                }

                return Opens(request.Params.RequestState, name) ? "All three came." : throw Tampered();
            case "test_input_required_result_multi_round":
                if (Opens(request.Params.RequestState, "step 2"))
                {
                    return $"{Wanted(answers, "step2", Form("step2", "Step 2: What is your favorite color?", "color"), Seal("step 2"))}";
                }

                Wanted(answers, "step1", Form("step1", "Step 1: What is your name?", "name"), Seal("step 1"));
                if (!Opens(request.Params.RequestState, "step 1"))
                {
                    throw Tampered();
                }

                throw Required(Form("step2", "Step 2: What is your favorite color?", "color"), Seal("step 2"));
            case "test_input_required_result_capabilities":
                var can = request.Server.ClientCapabilities;
                var allowed = new[]
                {
                    can?.Elicitation is null ? "" : Form("ask", "Name?", "name"),
                    can?.Sampling is null ? "" : Sampling("sample", "Say something"),
                };
                return answers is { Count: > 0 } ? "Answered." : throw Required(string.Join(',', allowed.Where(one => one.Length > 0)));
            default:
                return $"{Wanted(answers, "answer", Form("answer", "Go on?", "ok", "boolean"))}";
        }
    }

    /// <summary>The answer under this key, if it has the form that was asked for; else the question goes out again.</summary>
    private static JsonElement Wanted(IDictionary<string, InputResponse>? answers, string key, string questions, string? state = null)
    {
        if (
            answers is null
            || !answers.TryGetValue(key, out var response)
            || response.RawValue is not { ValueKind: JsonValueKind.Object } answer
        )
        {
            throw Required(questions, state);
        }

        var isForm = questions.Contains($"\"{key}\":{{\"method\":\"elicitation/create\"", StringComparison.Ordinal);
        if (isForm && (!answer.TryGetProperty("content", out var content) || content.ValueKind != JsonValueKind.Object))
        {
            throw Required(questions, state);
        }

        if (
            key == "user_name"
            && (!answer.GetProperty("content").TryGetProperty("name", out var name) || name.ValueKind != JsonValueKind.String)
        )
        {
            throw Required(questions, state);
        }

        return answer;
    }

    public static InputRequiredException Required(string questions, string? state = null) =>
        new(ConformanceApplication.Read<Dictionary<string, InputRequest>>($"{{{questions}}}"), state);

    public static string Form(string key, string message, string property, string type = "string") =>
        $$"""
            "{{key}}":{"method":"elicitation/create","params":{"message":"{{message}}","requestedSchema":
              {"type":"object","properties":{"{{property}}":{"type":"{{type}}"} },"required":["{{property}}"]} } }
            """;

    private static string Sampling(string key, string text) =>
        $$"""
            "{{key}}":{"method":"sampling/createMessage","params":{"messages":[{"role":"user","content":{{Text(text)}} }],"maxTokens":50} }
            """;

    private const string Roots = "\"client_roots\":{\"method\":\"roots/list\",\"params\":{}}";

    private static McpProtocolException Tampered() => new("requestState was changed or is of another call.", McpErrorCode.InvalidParams);

    private static string Seal(string content) =>
        $"{content}.{Convert.ToHexString(HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes(content)))}";

    private static bool Opens(string? state, string content) => state == Seal(content);

    public static string Text(string text) => $$"""{"type":"text","text":"{{text}}"}""";

    public static string Embedded(string uri, string text) =>
        $$$"""{"type":"resource","resource":{"uri":"{{{uri}}}","mimeType":"text/plain","text":"{{{text}}}"}}""";

    private static CallToolResult Answer(string content) => ConformanceApplication.Read<CallToolResult>($$"""{"content":[{{content}}]}""");

    private static JsonElement Schema(string name) =>
        JsonDocument
            .Parse(
                name switch
                {
                    "test_mirrored_parameter" => """{"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"}}}""",
                    "json_schema_2020_12_tool" => """
                    {"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object",
                     "$defs":{"address":{"$anchor":"addressDef","type":"object",
                       "properties":{"street":{"type":"string"},"city":{"type":"string"}}}},
                     "properties":{"name":{"type":"string"},"address":{"$ref":"#/$defs/address"},
                       "contactMethod":{"type":"string","enum":["phone","email"]},
                       "phone":{"type":"string"},"email":{"type":"string"}},
                     "allOf":[{"anyOf":[{"required":["phone"]},{"required":["email"]}]}],
                     "if":{"properties":{"contactMethod":{"const":"phone"}},"required":["contactMethod"]},
                     "then":{"required":["phone"]},"else":{"required":["email"]},
                     "additionalProperties":false}
                    """,
                    _ => """{"type":"object"}""",
                }
            )
            .RootElement;
}
