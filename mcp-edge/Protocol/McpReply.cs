using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;

namespace Platform.Edge.Protocol;

/// <summary>
/// Writes what the server sends for one request: a single JSON object when the answer is the first thing sent, an event stream
/// as soon as something precedes it. The SDK's own framing goes to a null stream, so an answer is serialized once, here.
/// </summary>
internal sealed class McpReply(McpExchange exchange, ReadOnlyMemory<byte> serverInfo) : IDisposable
{
    private static readonly JsonTypeInfo<JsonRpcMessage> _messageType =
        (JsonTypeInfo<JsonRpcMessage>)McpJsonUtilities.DefaultOptions.GetTypeInfo(typeof(JsonRpcMessage));

    private static readonly SearchValues<byte> _lineBreaks = SearchValues.Create("\r\n"u8);

    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly HttpResponse _response = exchange.Http.Response;
    private bool _streaming;
    private bool _complete;

    public async Task WriteAsync(JsonRpcMessage message, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            if (_complete)
                return;
            var answer = message is JsonRpcResponse or JsonRpcError;
            if (!answer || _streaming)
                await WriteEventAsync(message, cancellationToken);
            else
                await WriteJsonAsync(message, cancellationToken);
            _complete = answer;
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Commits to an event stream if nothing was sent yet, and keeps the connection busy.</summary>
    public async Task KeepAliveAsync(CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            if (_complete)
                return;
            StartStream();
            await _response.Body.WriteAsync(":\n\n"u8.ToArray(), cancellationToken);
            await _response.Body.FlushAsync(cancellationToken);
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task WriteJsonAsync(JsonRpcMessage message, CancellationToken cancellationToken)
    {
        if (exchange.IsModern)
            _response.StatusCode = McpError.StatusOf(message);
        _response.ContentType = "application/json";
        using var envelope = new PooledBuffer(512);
        if (RawResultOf(message) is { } members)
        {
            var split = WriteEnvelope(envelope);
            _response.ContentLength = envelope.Length + members.Length;
            var pipe = _response.BodyWriter;
            pipe.Write(envelope.WrittenSpan[..split]);
            pipe.Write(members.WrittenSpan);
            pipe.Write(envelope.WrittenSpan[split..]);
            await pipe.FlushAsync(cancellationToken);
            return;
        }
        Serialize(message, envelope);
        _response.ContentLength = envelope.Length;
        await _response.Body.WriteAsync(envelope.Written, cancellationToken);
    }

    private async Task WriteEventAsync(JsonRpcMessage message, CancellationToken cancellationToken)
    {
        StartStream();
        using var buffer = new PooledBuffer(1024);
        buffer.Write("event: message\ndata: "u8);
        var start = buffer.Length;
        if (RawResultOf(message) is { } members)
        {
            using var envelope = new PooledBuffer(512);
            var split = WriteEnvelope(envelope);
            buffer.Write(envelope.WrittenSpan[..split]);
            buffer.Write(members.WrittenSpan);
            buffer.Write(envelope.WrittenSpan[split..]);
        }
        else
        {
            Serialize(message, buffer);
        }
        // A line break ends an SSE data line. In JSON it can only be white space between tokens, so a space says the same.
        buffer.Writable[start..].ReplaceAny(_lineBreaks, (byte)' ');
        buffer.Write("\n\n"u8);
        await _response.Body.WriteAsync(buffer.Written, cancellationToken);
        await _response.Body.FlushAsync(cancellationToken);
    }

    private void StartStream()
    {
        if (_streaming)
            return;
        _streaming = true;
        _response.ContentType = "text/event-stream";
        _response.Headers.CacheControl = "no-cache, no-store";
        _response.Headers["X-Accel-Buffering"] = "no";
    }

    private PooledBuffer? RawResultOf(JsonRpcMessage message) => message is JsonRpcResponse ? exchange.Result : null;

    /// <summary>Writes what stands around the members of a result and returns where they belong.</summary>
    private int WriteEnvelope(PooledBuffer buffer)
    {
        buffer.Write("{\"jsonrpc\":\"2.0\",\"id\":"u8);
        buffer.Write(JsonMarshal.GetRawUtf8Value(exchange.IdElement));
        buffer.Write(",\"result\":{"u8);
        var split = buffer.Length;
        if (exchange.IsModern)
        {
            buffer.Write(",\"resultType\":\"complete\",\"_meta\":{\"io.modelcontextprotocol/serverInfo\":"u8);
            buffer.Write(serverInfo.Span);
            buffer.Write("}"u8);
        }
        buffer.Write("}}"u8);
        return split;
    }

    private void Serialize(JsonRpcMessage message, PooledBuffer buffer)
    {
        // The SDK pins the freshness of server/discover to zero; ours is that of the tool list.
        if (exchange.Method == RequestMethods.ServerDiscover && message is JsonRpcResponse { Result: JsonObject result })
            result["ttlMs"] = 60_000;
        using var writer = new Utf8JsonWriter(buffer);
        JsonSerializer.Serialize(writer, message, _messageType);
    }

    public void Dispose() => _turn.Dispose();
}
