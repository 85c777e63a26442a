using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Platform.Audit.Contracts;
using Platform.Audit.Contracts.V1;
using Platform.Contracts;
using Platform.Edge.Calls;
using Platform.Edge.Catalogue;
using Platform.Edge.Http;
using Platform.Edge.Transcoding;

namespace Platform.Edge.Audit;

/// <summary>
/// Writes what the log keeps about a call: who, with what, on what, and what the decision was made from. No argument values but ids.
/// </summary>
internal static class CallRecords
{
    private const int MaxTargets = 1000;
    private const int MaxText = 100;

    public static CallRecord Of(EdgeCall call, string outcome, string reason, long number, TimeSpan duration)
    {
        var caller = call.Caller?.Caller;
        var record = new CallRecord
        {
            Id = Ids.Format("evt", Ids.New()),
            Number = number,
            WorkspaceId = caller?.WorkspaceId ?? "",
            OccurredAt = Timestamp.FromDateTimeOffset(call.OccurredAt),
            Outcome = outcome,
            Reason = reason,
            Action = call.Tool?.Definition.Options.Audit ?? AuditActions.Call,
            Actor = new CallActor
            {
                Kind = caller?.MemberId is { Length: > 0 } ? "member" : "unknown",
                Id = caller?.MemberId ?? "",
                Role = call.Caller?.Role ?? "",
                TokenId = caller?.Token?.TokenId ?? "",
                ClientId = caller?.Token?.ClientId ?? "",
            },
            CallId = call.Id,
            Tool = call.Tool?.Name ?? Cut(call.ToolName),
            Task = Cut(call.Text(Contracts.Catalogue.SharedArguments.Task)),
            TraceParent = call.TraceParent ?? "",
            DurationMicroseconds = (long)duration.TotalMicroseconds,
            Details = new Json { Utf8 = Details(call) },
        };
        if (caller?.Environment is { } environment && call.Tool?.Definition.IsEnvironmentBound != false)
        {
            record.EnvironmentId = environment.EnvironmentId;
            record.EnvironmentKind = environment.Kind;
        }
        if (caller is not null)
        {
            record.Permissions.Add(caller.Permissions);
        }

        foreach (var target in call.Tool?.Targets ?? [])
        {
            AddTarget(record, call.Arguments, target);
        }

        return record;
    }

    private static void AddTarget(CallRecord record, JsonElement arguments, TargetField field)
    {
        if (arguments.ValueKind != JsonValueKind.Object || !arguments.TryGetProperty(field.Argument, out var value))
        {
            return;
        }

        var target = new CallTarget { Kind = field.Kind };
        if (value.ValueKind == JsonValueKind.Array)
        {
            foreach (var id in value.EnumerateArray())
            {
                target.Count++;
                if (target.Count <= MaxTargets)
                {
                    AddId(target, id);
                }
            }
        }
        else
        {
            target.Count = 1;
            AddId(target, value);
        }
        if (target.Ids.Count > 0)
        {
            record.Targets.Add(target);
        }
    }

    // Only what has the form of an id: a mistaken argument could hold anything.
    private static void AddId(CallTarget target, JsonElement id)
    {
        if (
            id.TextOrNull() is { Length: <= 64 } text
            && text.Length > 27
            && text[^27] == '_'
            && text.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '_')
        )
        {
            target.Ids.Add(text);
        }
    }

    private static ByteString Details(EdgeCall call)
    {
        using var buffer = new PooledBuffer(512);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            var (name, version) = Client(call.Exchange);
            if (name.Length > 0)
            {
                json.WriteString("client"u8, name);
            }

            if (version.Length > 0)
            {
                json.WriteString("clientVersion"u8, version);
            }

            if (call.ToolName.Length == 0 && call.Exchange.Method.Length > 0)
            {
                json.WriteString("method"u8, Cut(call.Exchange.Method));
            }

            if (call.AlikeBefore > 0)
            {
                json.WriteNumber("alikeBefore"u8, call.AlikeBefore);
            }

            if (call.Exchange.Http.Connection.RemoteIpAddress is { } address)
            {
                json.WriteString("address"u8, address.ToString());
            }

            json.WriteEndObject();
        }
        if (call.Caller is not { Details.Length: > 0 } caller)
        {
            return ByteString.CopyFrom(buffer.WrittenSpan);
        }

        var isEmpty = buffer.Length == 2;
        buffer.TakeBack(1);
        if (!isEmpty)
        {
            buffer.Write(","u8);
        }

        buffer.Write(caller.Details);
        buffer.Write("}"u8);
        return ByteString.CopyFrom(buffer.WrittenSpan);
    }

    // The older era names its client in `initialize` alone; the User-Agent is what a single call still tells.
    private static (string Name, string Version) Client(McpExchange exchange) =>
        exchange.Meta.ValueKind == JsonValueKind.Object
        && exchange.Meta.TryGetProperty("io.modelcontextprotocol/clientInfo"u8, out var info)
        && info.ValueKind == JsonValueKind.Object
            ? (Text(info, "name"u8), Text(info, "version"u8))
            : (Cut(exchange.Http.Request.Headers.UserAgent.ToString()), "");

    private static string Text(JsonElement json, ReadOnlySpan<byte> name) =>
        json.TryGetProperty(name, out var value) ? Cut(value.TextOrNull()) : "";

    private static string Cut(string? text) =>
        text is null ? ""
        : text.Length <= MaxText ? text
        : text[..MaxText];
}
