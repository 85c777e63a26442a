using System.Text.Json;

namespace Platform.Demo;

/// <summary>One log entry as the sink received it.</summary>
/// <param name="Kind"><c>event</c>, <c>checkpoint</c> or <c>test</c>.</param>
/// <param name="Body">The event in the bytes that the audit log hashed.</param>
/// <param name="TraceId">Of the call, from its W3C traceparent.</param>
internal sealed record ReceivedEntry(
    string Kind,
    string Id,
    string StreamId,
    long Sequence,
    string Action,
    string Outcome,
    string Body,
    string? CallId,
    string? Tool,
    string? Task,
    string? TraceId,
    string? Reason
)
{
    public static ReceivedEntry Read(JsonElement entry)
    {
        var kind = Text(entry, "kind") ?? "";
        var body = Text(entry, "message") ?? "";
        var happened = kind == "event" ? JsonSerializer.Deserialize<JsonElement>(body) : default;
        var call = happened.ValueKind == JsonValueKind.Object && happened.TryGetProperty("context", out var context) ? context : default;
        return new ReceivedEntry(
            kind,
            Text(entry, "id") ?? "",
            Text(entry, "streamId") ?? "",
            entry.TryGetProperty("sequence", out var sequence) ? sequence.GetInt64() : 0,
            Text(entry, "action") ?? "",
            Text(entry, "outcome") ?? "",
            body,
            Text(call, "callId"),
            Text(call, "tool"),
            Text(call, "task"),
            Text(call, "traceParent")?.Split('-').ElementAtOrDefault(1),
            Text(happened, "reason")
        );
    }

    private static string? Text(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;
}
