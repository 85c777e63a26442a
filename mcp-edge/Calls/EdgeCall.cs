using System.Diagnostics;
using System.Text.Json;
using Platform.Contracts;
using Platform.Edge.Access;
using Platform.Edge.Callers;
using Platform.Edge.Catalogue;
using Platform.Edge.Http;
using Platform.Edge.Transcoding;

namespace Platform.Edge.Calls;

/// <summary>One tool call on its way: who, what, and what is known for its audit record.</summary>
internal sealed class EdgeCall
{
    public string Id { get; } = Ids.New().ToString();

    public long StartedAt { get; init; }

    public DateTimeOffset OccurredAt { get; init; }

    public required McpExchange Exchange { get; init; }

    /// <summary>The name that was asked for; empty for a message that is no tool call.</summary>
    public string ToolName { get; init; } = "";

    /// <summary>Null when there is no such tool.</summary>
    public ToolBinding? Tool { get; set; }

    /// <summary>Null before identity has answered.</summary>
    public ResolvedCaller? Caller { get; set; }

    /// <summary>Set when policy has refused in a way that the model should read.</summary>
    public PolicyRefusal? Refusal { get; set; }

    /// <summary>Why it was refused or went wrong; null while all is well.</summary>
    public string? Error { get; set; }

    public string? TraceParent { get; init; }

    public string TraceId =>
        Activity.Current?.TraceId.ToString() is { } current
        && (TraceParent is null || TraceParent.Contains(current, StringComparison.Ordinal))
            ? current
        : TraceParent?.Split('-') is { Length: >= 2 } parts ? parts[1]
        : Id;

    /// <summary>The arguments of the tool, wherever they stood in the message; of kind Undefined when there are none.</summary>
    public JsonElement Arguments { get; init; }

    /// <summary>The compact tool that led here; empty for a named tool.</summary>
    public string Through { get; init; } = "";

    /// <summary>A text argument; null when it is missing or no text.</summary>
    public string? Text(string name) =>
        Arguments.ValueKind == JsonValueKind.Object && Arguments.TryGetProperty(name, out var value) ? value.TextOrNull() : null;
}
