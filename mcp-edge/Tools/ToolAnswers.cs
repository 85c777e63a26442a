using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Platform.Contracts;
using Platform.Contracts.Catalogue;
using Platform.Edge.Access;
using Platform.Edge.Callers;
using Platform.Edge.Calls;
using Platform.Edge.Catalogue;
using Platform.Edge.Transcoding;

namespace Platform.Edge.Tools;

/// <summary>
/// Writes the members of tool results. An answer stands there twice, as structured content and as text for clients that know no better;
/// in the text, what people wrote stands between markers that nobody can guess, so that it cannot pass for something we said.
/// </summary>
internal static class ToolAnswers
{
    // Pages are smaller, so this is about long texts of one field and exports whose caller wanted more.
    private const int MaxTwice = 256 * 1024;

    public static readonly JsonWriterOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, MaxDepth = 128 };

    /// <summary>The answer of a call that went through. <paramref name="json"/> is an object and gets the shared members.</summary>
    /// <param name="json">The answer.</param>
    /// <param name="tool">Whose answer.</param>
    /// <param name="caller">Whose environment is named.</param>
    /// <param name="dryRun">Whether nothing has happened.</param>
    /// <param name="callId">Of a call that changed something, which undo_change takes, or of one whose answer was given before.</param>
    /// <param name="repeats">The call whose answer this is, where it was given before; empty where that is not known.</param>
    /// <param name="changedNothing">Whether everything was as the call wanted it.</param>
    public static PooledBuffer Success(
        PooledBuffer json,
        ToolBinding tool,
        ResolvedCaller caller,
        bool dryRun,
        string? callId,
        string? repeats,
        bool changedNothing
    )
    {
        AddMembers(json, tool, caller, dryRun);
        if (callId is not null)
        {
            AddMember(json, Encoding.ASCII.GetBytes($"\"callId\":\"{callId}\""));
        }

        if (repeats is { Length: > 0 })
        {
            AddMember(json, Encoding.ASCII.GetBytes($"\"{SharedAnswers.RepeatsCallId}\":\"{repeats}\""));
        }

        if (changedNothing)
        {
            AddMember(json, "\"changed\":false"u8);
        }

        var lead =
            dryRun ? "Nothing was changed: this shows what would happen."
            : repeats is not null ? "This repeats the answer of an earlier call with the same idempotencyKey; nothing was changed again."
            : "";
        return Write(json.WrittenSpan, lead + Place(tool, caller), "", tool.AnswersUserText);
    }

    /// <summary>An answer of the edge itself, which holds nothing that people wrote.</summary>
    public static PooledBuffer Own(PooledBuffer json) => Write(json.WrittenSpan, "", "", userText: false);

    /// <summary>The first half of a call that needs a confirmation: nothing has happened, and how to go on.</summary>
    /// <param name="through">The compact tool that was called; empty when it was the tool itself.</param>
    /// <param name="withConfirmation">False where the user will be asked by the call itself.</param>
    public static PooledBuffer ConfirmationRequired(
        Confirmation confirmation,
        ToolBinding tool,
        ResolvedCaller caller,
        bool dryRun,
        string through,
        bool withConfirmation
    )
    {
        using var json = new PooledBuffer(1024);
        using (var writer = new Utf8JsonWriter(json, Relaxed))
        {
            writer.WriteStartObject();
            writer.WriteBoolean(SharedNames.ConfirmationRequired, true);
            if (withConfirmation)
            {
                writer.WriteString(SharedNames.Confirmation, confirmation.Token);
                writer.WriteString(SharedNames.ExpiresAt, confirmation.ExpiresAt.ToDateTime());
            }

            writer.WritePropertyName(SharedNames.Preview);
            writer.WriteRawValue(confirmation.Preview is { Utf8.IsEmpty: false } preview ? preview.Utf8.Span : "{}"u8);
            writer.WriteEndObject();
        }
        AddMembers(json, tool, caller, dryRun);
        var again = through.Length > 0 ? $"{through} with {tool.Name}" : tool.Name;
        var does = tool.Definition.IsDestructive ? "destroys" : "does";
        return Write(
            json.WrittenSpan,
            $"Nothing was changed yet. {tool.Name} {does} what the preview shows.{Place(tool, caller)}",
            withConfirmation
                ? $"To go on, after the user has agreed, call {again} again with exactly the same arguments and this `confirmation`."
                    + " It is good for one use, until the time in `expiresAt`."
                : $"To go on, call {again} again without `dryRun`: the user is asked then.",
            userText: true
        );
    }

    /// <summary>What the model reads when it fails. No structured content: there is nothing in it to rely on.</summary>
    public static PooledBuffer Error(EdgeCall call, Failure failure)
    {
        var members = new PooledBuffer(512);
        members.Write("\"content\":["u8);
        using (var writer = new Utf8JsonWriter(members, Relaxed))
        {
            writer.WriteStartObject();
            writer.WriteString("type"u8, "text"u8);
            writer.WriteString("text"u8, failure.Text(call));
            writer.WriteEndObject();
        }
        members.Write("],\"isError\":true"u8);
        return members;
    }

    /// <summary>Answers the exchange with a refusal.</summary>
    public static void Refuse(EdgeCall call, PolicyRefusal refusal) => Fail(call, Failure.Of(refusal));

    /// <summary>Answers the exchange with a failure.</summary>
    public static void Fail(EdgeCall call, Failure failure)
    {
        call.Error = failure.Reason;
        call.Exchange.AnswerWith(Error(call, failure));
    }

    private static string Place(ToolBinding tool, ResolvedCaller caller) =>
        tool.Definition.IsEnvironmentBound && caller.Caller.Environment is { } here
            ? $" Environment: {here.EnvironmentId} ({here.Kind})."
            : "";

    /// <summary>The answer of a read as it stands in a resource.</summary>
    public static string Content(PooledBuffer json, ToolBinding tool, ResolvedCaller caller)
    {
        AddMembers(json, tool, caller, dryRun: false);
        return Encoding.UTF8.GetString(json.WrittenSpan);
    }

    private static void AddMembers(PooledBuffer json, ToolBinding tool, ResolvedCaller caller, bool dryRun)
    {
        if (tool.Definition.IsEnvironmentBound)
        {
            AddMember(json, caller.EnvironmentJson);
        }

        if (dryRun)
        {
            AddMember(json, "\"dryRun\":true"u8);
        }
    }

    private static void AddMember(PooledBuffer json, ReadOnlySpan<byte> member)
    {
        json.TakeBack(1);
        if (json.Length > 1)
        {
            json.Write(","u8);
        }

        json.Write(member);
        json.Write("}"u8);
    }

    private static PooledBuffer Write(ReadOnlySpan<byte> json, string lead, string tail, bool userText)
    {
        // The text repeats the structured content for clients that do not read it. Nobody needs megabytes twice.
        var isRepeated = json.Length <= MaxTwice;
        var members = new PooledBuffer((isRepeated ? json.Length * 2 + json.Length / 4 : json.Length) + 1024);
        members.Write("\"content\":["u8);
        using (var writer = new Utf8JsonWriter(members, Relaxed))
        {
            writer.WriteStartObject();
            writer.WriteString("type"u8, "text"u8);
            writer.WritePropertyName("text"u8);
            // The segments of one string must all be UTF-8 or all be UTF-16.
            if (!isRepeated)
            {
                var instead = $"{lead} The answer has {json.Length} bytes and stands in structuredContent only. ";
                Segment(writer, $"{instead.TrimStart()}Ask for less at a time to read it here.");
            }
            else if (userText)
            {
                var marker = PeoplesText.NewMarker();
                var warning = $"{lead} {PeoplesText.Warning(marker)}";
                Segment(writer, $"{warning.TrimStart()}\n<{marker}>\n");
                writer.WriteStringValueSegment(json, isFinalSegment: false);
                Segment(writer, $"\n</{marker}>");
            }
            else
            {
                Segment(writer, lead.Length > 0 ? $"{lead.TrimStart()}\n" : "");
                writer.WriteStringValueSegment(json, isFinalSegment: false);
            }
            Segment(writer, tail.Length > 0 ? $"\n{tail}" : "", isFinal: true);
            writer.WriteEndObject();
        }
        members.Write("],\"structuredContent\":"u8);
        members.Write(json);
        return members;
    }

    private static void Segment(Utf8JsonWriter writer, string text, bool isFinal = false)
    {
        var utf8 = text.Length <= 512 ? stackalloc byte[text.Length * 3] : new byte[text.Length * 3];
        writer.WriteStringValueSegment(utf8[..Encoding.UTF8.GetBytes(text, utf8)], isFinal);
    }

    private static class SharedNames
    {
        public static readonly JsonEncodedText ConfirmationRequired = JsonEncodedText.Encode(
            Contracts.Catalogue.SharedAnswers.ConfirmationRequired
        );
        public static readonly JsonEncodedText Confirmation = JsonEncodedText.Encode("confirmation");
        public static readonly JsonEncodedText ExpiresAt = JsonEncodedText.Encode("expiresAt");
        public static readonly JsonEncodedText Preview = JsonEncodedText.Encode("preview");
    }
}
