using System.Text;
using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Platform.Contracts;
using Platform.Contracts.Catalogue;
using Platform.Edge.Catalogue;
using Platform.Edge.Transcoding;
using Platform.ServiceDefaults.Calls;

namespace Platform.Edge.Tools;

/// <summary>
/// Calls of a tool that several services offer: each is asked with its own assertion, and their parts stand side by side in one answer. The
/// answer is one list of parts, or the same from all. Protobuf makes it easy: two lists behind each other are one.
/// </summary>
internal static class SharedCalls
{
    private const char Between = '~';
    private const char Of = ':';

    public static async Task<ServiceAnswer> SendAsync(
        ServiceChannels channels,
        ToolBinding tool,
        PooledBuffer wire,
        string? confirmation,
        Func<string, string?, CallOptions> optionsFor
    )
    {
        var replies = await Task.WhenAll(
            tool.Definition.Services.Select(service =>
                AskAsync(channels, tool, service, wire, optionsFor(service, PartFor(confirmation, service)))
            )
        );
        var answered = replies.Where(reply => reply.Answer is not null).ToList();
        // Who knows nothing of it has no part in it, unless nobody does.
        var failed = replies.Where(reply => reply.Failure is { StatusCode: not StatusCode.NotFound }).ToList();
        var committed = answered.Any(reply => reply.Outcome == Outcomes.Committed);
        if (!committed && !(tool.Definition.IsRead && answered.Count > 0))
        {
            // A service of which nobody knows what it did comes first: what another one says would hide that.
            if (failed.OrderByDescending(reply => reply.IsUnknown).FirstOrDefault(reply => !reply.AsksConfirmation) is { } first)
            {
                throw first.Failure!;
            }

            if (failed.Count > 0)
            {
                throw Confirm(tool, failed, answered);
            }
        }
        if (answered.Count == 0)
        {
            throw replies.First(reply => reply.Failure is not null).Failure!;
        }

        var outcome = committed ? Outcomes.Committed : answered[0].Outcome!;
        // Who has nothing to do answers before the confirmation is there; who changed something did it in the last call.
        var repeats = answered.Max(reply => reply.Repeats);
        return new(tool.Decode(Join(tool.Definition, answered, failed)), outcome, repeats);
    }

    /// <summary>An answer with what the service says became of the call, or what an answer without a word of it means.</summary>
    public static ServiceAnswer AnswerOf(ToolBinding tool, PooledBuffer json, Metadata trailers) =>
        new(json, OutcomeOf(tool, trailers), trailers.GetValue(CallMetadata.Repeats));

    private static string OutcomeOf(ToolBinding tool, Metadata trailers) =>
        trailers.GetValue(CallMetadata.Outcome) ?? (tool.Definition.IsRead ? Outcomes.Read : Outcomes.Unchanged);

    private static async Task<Reply> AskAsync(
        ServiceChannels channels,
        ToolBinding tool,
        string service,
        PooledBuffer wire,
        CallOptions options
    )
    {
        try
        {
            using var sent = channels.For(service).AsyncUnaryCall(tool.SharedMethod, null, options, wire);
            var answer = await sent.ResponseAsync;
            return new Reply(service, answer, OutcomeOf(tool, sent.GetTrailers()), null)
            {
                Repeats = sent.GetTrailers().GetValue(CallMetadata.Repeats),
            };
        }
        catch (RpcException exception) when (!options.CancellationToken.IsCancellationRequested)
        {
            return new Reply(service, null, null, exception);
        }
    }

    /// <summary>One confirmation of many: a preview per service, and all their tokens in one.</summary>
    private static RpcException Confirm(ToolBinding tool, List<Reply> asking, List<Reply> answered)
    {
        var details = asking.ConvertAll(reply => (reply.Service, Detail: reply.Problem!));
        using var preview = new MemoryStream();
        using (var json = new Utf8JsonWriter(preview))
        {
            json.WriteStartObject();
            foreach (var (service, detail) in details)
            {
                json.WritePropertyName(service);
                json.WriteRawValue(detail.Confirmation.Preview.Utf8.Span);
            }
            // Who has nothing to do needs no confirmation, and may have to tell of what stays.
            foreach (var reply in answered)
            {
                using var answer = tool.Decode(reply.Answer!);
                using var whole = JsonDocument.Parse(answer.Written);
                if (
                    PartsOf(tool.Definition.Method.OutputType) is { } parts
                    && whole.RootElement.TryGetProperty(parts.JsonName, out var list)
                    && list.EnumerateArray().FirstOrDefault() is { ValueKind: JsonValueKind.Object } part
                    && part.TryGetProperty("left", out var left)
                    && left.GetArrayLength() > 0
                )
                {
                    json.WritePropertyName(reply.Service);
                    part.WriteTo(json);
                }
            }
            json.WriteEndObject();
        }
        var merged = details[0].Detail.Clone();
        merged.Confirmation = new Confirmation
        {
            Token = string.Join(Between, details.Select(one => $"{one.Service}{Of}{one.Detail.Confirmation.Token}")),
            ExpiresAt = details.Select(one => one.Detail.Confirmation.ExpiresAt).MinBy(expires => expires.ToDateTime()) ?? new Timestamp(),
            Preview = new Json { Utf8 = ByteString.CopyFrom(preview.ToArray()) },
        };
        return Problem.Of(StatusCode.FailedPrecondition, merged);
    }

    // What is no confirmation of ours goes to every service, to be refused there.
    public static string? PartFor(string? confirmation, string service) =>
        confirmation?.Contains(Of, StringComparison.Ordinal) != true
            ? confirmation
            : confirmation
                .Split(Between)
                .FirstOrDefault(part => part.StartsWith(service + Of, StringComparison.Ordinal))
                ?[(service.Length + 1)..];

    private static byte[] Join(ToolDefinition tool, List<Reply> answered, List<Reply> failed)
    {
        if (PartsOf(tool.Method.OutputType) is not { } parts)
        {
            return answered[0].Answer!;
        }

        // A part that says nothing is noise beside one that says something, or that failed.
        var telling = answered.Where(reply => SaysSomething(tool.Method.OutputType, parts, reply.Answer!)).ToList();
        using var joined = new MemoryStream();
        foreach (var reply in telling.Count > 0 || failed.Count > 0 ? telling : answered.Take(1))
        {
            joined.Write(reply.Answer);
        }

        using var output = new CodedOutputStream(joined, leaveOpen: true);
        foreach (var reply in failed)
        {
            output.WriteTag(parts.FieldNumber, WireFormat.WireType.LengthDelimited);
            output.WriteBytes(ByteString.CopyFrom(FailedPart(parts.MessageType, reply, tool.IsRead)));
        }
        output.Flush();
        return joined.ToArray();
    }

    // Whether a part has an entry in any of its lists, or a count.
    private static bool SaysSomething(MessageDescriptor type, FieldDescriptor parts, byte[] answer) =>
        ((System.Collections.IList)parts.Accessor.GetValue(type.Parser.ParseFrom(answer)))
            .Cast<IMessage>()
            .Any(part =>
                part.Descriptor.Fields.InDeclarationOrder()
                    .Select(field => field.Accessor.GetValue(part))
                    .Any(value => value is System.Collections.IList { Count: > 0 } or int and not 0)
            );

    private static byte[] FailedPart(MessageDescriptor part, Reply reply, bool isRead)
    {
        var why =
            reply.AsksConfirmation ? "CONFIRMATION_REQUIRED: something changed after the preview."
            : reply.Problem is { } problem ? $"{problem.Reason}: {problem.Message}"
            : isRead || !reply.IsUnknown ? $"UNAVAILABLE: the {reply.Service} service gave no answer."
            : $"OUTCOME_UNKNOWN: the {reply.Service} service gave no answer. It may have done its part all the same.";
        using var bytes = new MemoryStream();
        using (var output = new CodedOutputStream(bytes, leaveOpen: true))
        {
            foreach (var (field, text) in new[] { ("service", reply.Service), ("failed", why) })
            {
                output.WriteTag(part.FindFieldByName(field).FieldNumber, WireFormat.WireType.LengthDelimited);
                output.WriteBytes(ByteString.CopyFrom(text, Encoding.UTF8));
            }
        }
        return bytes.ToArray();
    }

    /// <summary>The one list of an answer that is a list of parts.</summary>
    internal static FieldDescriptor? PartsOf(MessageDescriptor type) =>
        type.Fields.InDeclarationOrder() is [{ IsRepeated: true, IsMap: false } parts] ? parts : null;

    private sealed record Reply(string Service, byte[]? Answer, string? Outcome, RpcException? Failure)
    {
        public string? Repeats { get; init; }

        public ProblemDetail? Problem { get; } = Failure is null ? null : ServiceDefaults.Calls.Problem.Read(Failure);

        public bool IsUnknown => Failure is not null && Tools.Failure.IsUnknown(Problem, Failure);

        public bool AsksConfirmation =>
            Problem is { Reason: ServiceDefaults.Calls.Problem.ConfirmationRequiredReason, Confirmation: not null };
    }
}
