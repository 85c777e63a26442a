using System.Diagnostics;
using System.Text.Json;
using Platform.Contracts;
using Platform.Contracts.Catalogue;
using Platform.Edge.Callers;
using Platform.Edge.Catalogue;
using Platform.Edge.Http;
using Platform.Edge.Transcoding;

namespace Platform.Edge.Calls;

/// <summary>One message on its way: who sent it, what it asks for, and what its audit record will say.</summary>
internal sealed class EdgeCall
{
    // No environment has a longer name. What is longer is cut and then names none, as it should: it must not lead to the default one.
    private const int MaxEnvironment = 100;

    public string Id { get; } = Ids.New().ToString();

    public long StartedAt { get; init; }

    public DateTimeOffset OccurredAt { get; init; }

    public required McpExchange Exchange { get; init; }

    /// <summary>The name that was asked for; empty for a message that is not a tool call.</summary>
    public string ToolName { get; init; } = "";

    /// <summary>Null when there is no such tool.</summary>
    public ToolBinding? Tool { get; init; }

    /// <summary>The arguments of the tool, wherever they stood in the message; of kind Undefined when there are none.</summary>
    public JsonElement Arguments { get; set; }

    /// <summary>The compact tool that led here; empty for a named tool.</summary>
    public string Through { get; init; } = "";

    /// <summary>The environment that the arguments name; null when they name none, or the tool does not work in one.</summary>
    public string? Environment { get; private init; }

    public string? TraceParent { get; init; }

    /// <summary>Null before identity has answered.</summary>
    public ResolvedCaller? Caller { get; set; }

    /// <summary>The reason of the refusal or failure; null while all is well.</summary>
    public string? Error { get; set; }

    /// <summary>How many calls like this one were counted and not recorded before it.</summary>
    public int AlikeBefore { get; set; }

    /// <summary>Whether a change was sent: without an answer, nobody can say that it did not happen.</summary>
    public bool MayHaveHappened { get; set; }

    public string TraceId => Activity.Current?.TraceId.ToString() ?? Id;

    /// <summary>The call that a message opens. A target of null: it asks for nothing that a service or a rate limit would notice.</summary>
    public static EdgeCall Open(McpExchange exchange, AskedFor? target, TimeProvider time)
    {
        var tool = target?.Tool;
        var arguments = target?.Arguments ?? default;
        return new EdgeCall
        {
            Exchange = exchange,
            ToolName = target?.Name ?? "",
            Tool = tool,
            Arguments = arguments,
            Through = target?.Through ?? "",
            Environment =
                tool?.Definition.IsEnvironmentBound == true && TextOf(arguments, SharedArguments.Environment) is { Length: > 0 } environment
                    ? environment[..Math.Min(environment.Length, MaxEnvironment + 1)]
                    : null,
            StartedAt = time.GetTimestamp(),
            OccurredAt = time.GetUtcNow(),
            TraceParent = Activity.Current?.Id,
        };
    }

    /// <summary>A text argument; null when it is missing or is not text.</summary>
    public string? Text(string name) => TextOf(Arguments, name);

    private static string? TextOf(JsonElement arguments, string name) =>
        arguments.ValueKind == JsonValueKind.Object && arguments.TryGetProperty(name, out var value) ? value.TextOrNull() : null;
}
