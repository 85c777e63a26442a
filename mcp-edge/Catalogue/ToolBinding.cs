using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using Grpc.Core;
using Platform.Contracts.Catalogue;
using Platform.Edge.Transcoding;

namespace Platform.Edge.Catalogue;

/// <summary>A tool with all that a call of it needs, prepared once.</summary>
internal sealed class ToolBinding
{
    private static readonly JsonWriterOptions _options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly Lazy<byte[]> _entry;
    private readonly Lazy<byte[]> _strictEntry;

    public ToolBinding(ToolDefinition definition)
    {
        Definition = definition;
        _entry = new(() => WriteListEntry(definition.BriefInputSchema.Span));
        _strictEntry = new(() => WriteListEntry(StrictSchema.Of(definition.BriefInputSchema.Span)));
        Arguments = ArgumentSchema.Compile(definition.InputSchema);
        Request = MessageShape.Of(definition.Method.InputType);
        var answer = MessageShape.Of(definition.Method.OutputType);
        AnswersUserText = answer.HasUserText;
        Method = new Method<PooledBuffer, PooledBuffer>(
            definition.Method.IsServerStreaming ? MethodType.ServerStreaming : MethodType.Unary,
            definition.Method.Service.FullName,
            definition.Method.Name,
            new Marshaller<PooledBuffer>(Write, static _ => throw new NotSupportedException("Requests are only written.")),
            new Marshaller<PooledBuffer>(
                static (_, _) => throw new NotSupportedException("Answers are only read."),
                context => AnswerDecoder.Decode(context.PayloadAsReadOnlySequence(), answer)
            )
        );
        SharedMethod = new Method<PooledBuffer, byte[]>(
            MethodType.Unary,
            definition.Method.Service.FullName,
            definition.Method.Name,
            Method.RequestMarshaller,
            Marshallers.Create(static _ => throw new NotSupportedException("Answers are only read."), static bytes => bytes)
        );
        Decode = wire => AnswerDecoder.Decode(new ReadOnlySequence<byte>(wire), answer);
        Targets = [.. Request.Fields.Where(field => field.Kind == FieldKind.String && !field.IsMap).Select(TargetOf).OfType<TargetField>()];
    }

    public ToolDefinition Definition { get; }

    public string Name => Definition.Name;

    public string Service => Definition.Service;

    public string Toolset => Definition.Options.Toolset;

    public string Scope => Definition.Options.Scope;

    /// <summary>What a call does, in a word: <c>read</c>, <c>write</c> or <c>destructive</c>.</summary>
    public string Effect =>
        Definition.IsRead ? "read"
        : Definition.IsDestructive ? "destructive"
        : "write";

    public ArgumentSchema Arguments { get; }

    public MessageShape Request { get; }

    public Method<PooledBuffer, PooledBuffer> Method { get; }

    /// <summary>The same for a tool of several services, whose answers are put together before they are read.</summary>
    public Method<PooledBuffer, byte[]> SharedMethod { get; }

    /// <summary>Reads such an answer.</summary>
    public Func<byte[], PooledBuffer> Decode { get; }

    /// <summary>Whether its answers can hold text that people wrote.</summary>
    public bool AnswersUserText { get; }

    /// <summary>The tool as <c>tools/list</c> shows it behind a URL.</summary>
    public byte[] ListEntry(UrlNarrowing narrowing) => narrowing.IsStrict ? _strictEntry.Value : _entry.Value;

    /// <summary>Arguments that name what the call is about.</summary>
    public TargetField[] Targets { get; }

    private static void Write(PooledBuffer request, SerializationContext context)
    {
        context.SetPayloadLength(request.Length);
        request.WrittenSpan.CopyTo(context.GetBufferWriter().GetSpan(request.Length));
        context.GetBufferWriter().Advance(request.Length);
        context.Complete();
    }

    /// <summary>All that the contract says of the tool, for those who ask for this one: members of a JSON object.</summary>
    public void WriteDetails(Utf8JsonWriter json)
    {
        json.WriteString("name"u8, Name);
        json.WriteString("title"u8, Definition.Options.Title);
        json.WriteString("description"u8, Definition.Description);
        json.WriteString("toolset"u8, Toolset);
        json.WriteString("effect"u8, Effect);
        json.WriteString("scope"u8, Scope);
        json.WritePropertyName("inputSchema"u8);
        json.WriteRawValue(Definition.InputSchema.Span);
        json.WritePropertyName("outputSchema"u8);
        json.WriteRawValue(Definition.OutputSchema.Span);
    }

    // Without the schema of the answer, which no model is shown by its client, and which would be half of the list.
    private byte[] WriteListEntry(ReadOnlySpan<byte> schema)
    {
        using var buffer = new PooledBuffer(4096);
        using (var json = new Utf8JsonWriter(buffer, _options))
        {
            json.WriteStartObject();
            json.WriteString("name"u8, Name);
            json.WriteString("title"u8, Definition.Options.Title);
            json.WriteString("description"u8, Definition.Description);
            json.WritePropertyName("inputSchema"u8);
            json.WriteRawValue(schema);
            json.WriteStartObject("annotations"u8);
            json.WriteBoolean("readOnlyHint"u8, Definition.IsRead);
            json.WriteBoolean("destructiveHint"u8, Definition.IsDestructive);
            json.WriteBoolean("idempotentHint"u8, Definition.IsRead || Definition.Options.Idempotent);
            json.WriteBoolean("openWorldHint"u8, Definition.Options.OpenWorld);
            json.WriteEndObject();
            json.WriteEndObject();
        }
        return buffer.WrittenSpan.ToArray();
    }

    private static TargetField? TargetOf(FieldShape field)
    {
        var suffix = field.IsRepeated ? "Ids" : "Id";
        return field.Name.Length > suffix.Length && field.Name.EndsWith(suffix, StringComparison.Ordinal)
            ? new TargetField(field.Name, field.Name[..^suffix.Length])
            : null;
    }
}

/// <summary>An argument that holds ids.</summary>
/// <param name="Argument">Such as <c>tableId</c> or <c>recordIds</c>.</param>
/// <param name="Kind">Such as <c>table</c> or <c>record</c>.</param>
internal sealed record TargetField(string Argument, string Kind);
