using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Encodings.Web;
using System.Text.Json;
using Platform.Contracts;

namespace Platform.Audit.Service.Log;

/// <summary>
/// An audit event and the bytes that stand for it for ever: UTF-8 JSON without white space, properties in the order below, absent ones
/// left out, time in UTC with seven digits. What is hashed is stored, so nobody ever needs to make the bytes again.
/// </summary>
internal sealed record CanonicalEvent
{
    // A destination may double every byte by escaping, and the smallest takes 1 MB.
    public const int MaxBytes = 480 * 1024;

    private static readonly JsonWriterOptions _options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public required Guid Id { get; init; }

    public required Guid WorkspaceId { get; init; }

    public Guid? EnvironmentId { get; init; }

    public required DateTimeOffset OccurredAt { get; init; }

    public required string Action { get; init; }

    public required string Outcome { get; init; }

    public string? Reason { get; init; }

    /// <summary>The service that recorded it, and the name of its event.</summary>
    public required string Source { get; init; }

    public string? Type { get; init; }

    public required Actor Actor { get; init; }

    public required CallInfo Call { get; init; }

    public required IReadOnlyList<Target> Targets { get; init; }

    public long? DurationMicroseconds { get; init; }

    public JsonElement? Details { get; init; }

    public byte[] ToBytes()
    {
        var bytes = Write(Details);
        if (bytes.Length <= MaxBytes || Details is not { } details)
        {
            return bytes;
        }

        // Too large for any sink. The log says so and keeps a digest of what was left out; the owner of the change has the rest.
        var omitted = JsonSerializer.SerializeToUtf8Bytes(details);
        return Write(
            JsonSerializer.SerializeToElement(
                new
                {
                    omitted = "too large",
                    bytes = omitted.Length,
                    sha256 = Convert.ToHexStringLower(SHA256.HashData(omitted)),
                }
            )
        );
    }

    private byte[] Write(JsonElement? details)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var json = new Utf8JsonWriter(buffer, _options))
        {
            json.WriteStartObject();
            json.WriteNumber("v", 1);
            json.WriteString("id", Ids.Format("evt", Id));
            json.WriteString("workspaceId", Ids.Format("wks", WorkspaceId));
            WriteText(json, "environmentId", EnvironmentId is { } environment ? Ids.Format("env", environment) : null);
            WriteText(json, "environmentKind", Call.EnvironmentKind);
            json.WriteString("occurredAt", OccurredAt.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffffffZ", CultureInfo.InvariantCulture));
            json.WriteString("action", Action);
            json.WriteString("outcome", Outcome);
            WriteText(json, "reason", Reason);
            json.WriteString("source", Source);
            WriteText(json, "type", Type);
            WriteActor(json);
            WriteTargets(json);
            WriteContext(json);
            if (details is { ValueKind: not (JsonValueKind.Undefined or JsonValueKind.Null) } given)
            {
                json.WritePropertyName("details");
                given.WriteTo(json);
            }

            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    private void WriteActor(Utf8JsonWriter json)
    {
        json.WriteStartObject("actor");
        json.WriteString("kind", Actor.Kind);
        WriteText(json, "id", Actor.Id);
        WriteText(json, "role", Actor.Role);
        WriteText(json, "tokenId", Actor.TokenId);
        WriteText(json, "clientId", Actor.ClientId);
        WriteText(json, "onBehalfOf", Actor.OnBehalfOf);
        json.WriteEndObject();
    }

    private void WriteTargets(Utf8JsonWriter json)
    {
        json.WriteStartArray("targets");
        foreach (var target in Targets)
        {
            json.WriteStartObject();
            json.WriteString("kind", target.Kind);
            json.WriteStartArray("ids");
            foreach (var id in target.Ids)
            {
                json.WriteStringValue(id);
            }

            json.WriteEndArray();
            json.WriteNumber("count", target.Count);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private void WriteContext(Utf8JsonWriter json)
    {
        json.WriteStartObject("context");
        WriteText(json, "callId", Call.CallId);
        WriteText(json, "tool", Call.Tool);
        WriteText(json, "task", Call.Task);
        WriteText(json, "traceParent", Call.TraceParent);
        json.WriteStartArray("permissions");
        foreach (var permission in Call.Permissions)
        {
            json.WriteStringValue(permission);
        }

        json.WriteEndArray();
        if (DurationMicroseconds is { } duration)
        {
            json.WriteNumber("durationMicroseconds", duration);
        }

        json.WriteEndObject();
    }

    private static void WriteText(Utf8JsonWriter json, string name, string? text)
    {
        if (!string.IsNullOrEmpty(text))
        {
            json.WriteString(name, text);
        }
    }
}
