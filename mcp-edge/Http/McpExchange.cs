using System.Text.Json;
using ModelContextProtocol.Protocol;
using Platform.Edge.Transcoding;

namespace Platform.Edge.Http;

/// <summary>One POST: the message as it came in, and the way its answer goes out.</summary>
public sealed class McpExchange
{
    private PooledBuffer? _result;

    internal McpExchange(HttpContext http, JsonElement root, string? protocolVersion)
    {
        Http = http;
        Root = root;
        HeaderVersion = protocolVersion;
        Method = root.GetProperty("method"u8).GetString()!;
        if (root.TryGetProperty("id"u8, out var id))
        {
            IdElement = id;
        }

        if (root.TryGetProperty("params"u8, out var parameters) && parameters.ValueKind == JsonValueKind.Object)
        {
            Params = parameters;
            if (parameters.TryGetProperty("_meta"u8, out var meta) && meta.ValueKind == JsonValueKind.Object)
            {
                Meta = meta;
            }
        }
    }

    private McpExchange(HttpContext http) => (Http, Method) = (http, "");

    /// <summary>A request that was refused before its body was read.</summary>
    internal static McpExchange Unread(HttpContext http) => new(http);

    public HttpContext Http { get; }

    public string Method { get; }

    /// <summary>The <c>params</c> object; of kind Undefined when the message has none. Valid until the reply is complete.</summary>
    public JsonElement Params { get; }

    /// <summary>The <c>_meta</c> object of the params; of kind Undefined when there is none.</summary>
    public JsonElement Meta { get; }

    /// <summary>True when the message follows the rules of 2026-07-28, false for the era of <c>initialize</c>.</summary>
    public bool IsModern { get; internal set; }

    public bool IsRequest => IdElement.ValueKind != JsonValueKind.Undefined;

    /// <summary>Whether anything can be sent before the answer.</summary>
    internal bool TakesEvents => ProtocolRules.Accepts(Http.Request, ProtocolRules.Events);

    /// <summary>The caller's own state. The endpoint never looks at it.</summary>
    public object? State { get; set; }

    /// <summary>The name a <c>tools/call</c> asks for; null for any other message, or when it is not a string.</summary>
    public string? ToolName =>
        Method == RequestMethods.ToolsCall && Params.ValueKind == JsonValueKind.Object && Params.TryGetProperty("name"u8, out var name)
            ? name.TextOrNull()
            : null;

    /// <summary>The URI a <c>resources/read</c> asks for; null for any other message, or when it is not a string.</summary>
    public string? ResourceUri =>
        Method == RequestMethods.ResourcesRead && Params.ValueKind == JsonValueKind.Object && Params.TryGetProperty("uri"u8, out var uri)
            ? uri.TextOrNull()
            : null;

    /// <summary>The arguments of a <c>tools/call</c>; of kind Undefined when there are none.</summary>
    public JsonElement Arguments =>
        Params.ValueKind == JsonValueKind.Object && Params.TryGetProperty("arguments"u8, out var arguments) ? arguments : default;

    /// <summary>What progress is to be told under; of kind Undefined when the client did not ask for it.</summary>
    internal JsonElement ProgressToken =>
        Meta.ValueKind == JsonValueKind.Object
        && Meta.TryGetProperty("progressToken"u8, out var token)
        && (token.TextOrNull() is not null || token.ValueKind == JsonValueKind.Number)
            ? token
            : default;

    /// <summary>What the metadata of a modern message says that its client can do; null for any other message.</summary>
    internal ClientCapabilities? ClientCapabilities { get; set; }

    /// <summary>What the metadata of a modern message says of its client; null when it says nothing.</summary>
    internal Implementation? ClientInfo { get; set; }

    internal JsonElement Root { get; }

    internal JsonElement IdElement { get; }

    internal string? HeaderVersion { get; }

    internal RequestId Id =>
        IdElement.ValueKind == JsonValueKind.String ? new RequestId(IdElement.GetString()!) : new RequestId(IdElement.GetInt64());

    internal PooledBuffer? Result => _result;

    /// <summary>
    /// Answers with the members of a result object already written as JSON (<c>"content":[…],"isError":true</c>, no braces), which
    /// go out as they are. What the handler returns is then only a sign that it has finished. The exchange disposes the buffer.
    /// </summary>
    public void AnswerWith(PooledBuffer members)
    {
        _result?.Dispose();
        _result = members;
    }

    internal void Release() => _result?.Dispose();

    internal string? MetaText(ReadOnlySpan<byte> key) =>
        Meta.ValueKind == JsonValueKind.Object && Meta.TryGetProperty(key, out var value) ? value.TextOrNull() : null;
}
