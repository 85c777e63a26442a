using System.Data;
using System.Runtime.InteropServices;
using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Npgsql;
using Platform.Audit.Contracts.V1;
using Platform.Contracts;

namespace Platform.Audit.Service.Trail;

/// <summary>Reads an audit event from the bytes that were hashed.</summary>
internal static class RecordedEvent
{
    /// <summary>What <see cref="Read"/> expects a row to hold.</summary>
    public const string Columns = "e.sequence, e.recorded_at, e.body";

    private const int MaxIdsInList = 20;

    public static AuditEvent Read(NpgsqlDataReader row, bool whole)
    {
        using var body = JsonDocument.Parse((byte[])row["body"]);
        var root = body.RootElement;
        var context = root.GetProperty("context");
        var answer = new AuditEvent
        {
            Id = Text(root, "id"),
            Sequence = row.GetInt64("sequence"),
            Action = Text(root, "action"),
            Outcome = Text(root, "outcome"),
            Reason = Text(root, "reason"),
            OccurredAt = Timestamp.FromDateTimeOffset(root.GetProperty("occurredAt").GetDateTimeOffset()),
            RecordedAt = Timestamp.FromDateTimeOffset(row.GetFieldValue<DateTimeOffset>("recorded_at")),
            EnvironmentId = Text(root, "environmentId"),
            Actor = Actor(root.GetProperty("actor")),
            Tool = Text(context, "tool"),
            Task = Text(context, "task"),
            CallId = Text(context, "callId"),
            TraceId = TraceId(Text(context, "traceParent")),
        };
        foreach (var target in root.GetProperty("targets").EnumerateArray())
        {
            var ids = target.GetProperty("ids").EnumerateArray().Select(id => id.GetString()!);
            var shown = new AuditTarget { Kind = Text(target, "kind"), Count = target.GetProperty("count").GetInt32() };
            shown.Ids.AddRange(whole ? ids : ids.Take(MaxIdsInList));
            answer.Targets.Add(shown);
        }

        if (whole && root.TryGetProperty("details", out var details))
        {
            answer.Details = new Json { Utf8 = ByteString.CopyFrom(JsonMarshal.GetRawUtf8Value(details)) };
        }

        return answer;
    }

    private static AuditActor Actor(JsonElement actor) =>
        new()
        {
            Kind = Text(actor, "kind"),
            Id = Text(actor, "id"),
            Role = Text(actor, "role"),
            TokenId = Text(actor, "tokenId"),
            ClientId = Text(actor, "clientId"),
            OnBehalfOf = Text(actor, "onBehalfOf"),
        };

    private static string Text(JsonElement json, string name) => json.TryGetProperty(name, out var value) ? value.GetString() ?? "" : "";

    // version-traceid-parentid-flags, https://www.w3.org/TR/trace-context/
    private static string TraceId(string traceParent) => traceParent.Split('-') is [_, { Length: 32 } id, ..] ? id : "";
}
