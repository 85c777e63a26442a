using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using ModelContextProtocol.Protocol;
using Platform.Edge.Transcoding;

namespace Platform.Edge.Http;

/// <summary>
/// Writes what the server sends for one request: a single JSON object when the answer is the first thing sent, an event stream
/// as soon as something precedes it. A client that takes no event stream gets the answer alone.
/// </summary>
internal sealed class McpReply(McpExchange exchange, ReadOnlyMemory<byte> serverInfo) : IDisposable
{
    private static readonly JsonTypeInfo<JsonRpcMessage> _messageType = McpTypes.Sent<JsonRpcMessage>();

    private static readonly SearchValues<byte> _lineBreaks = SearchValues.Create("\r\n"u8);

    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly HttpResponse _response = exchange.Http.Response;
    private bool _streaming;
    private bool _complete;
    private bool _progressIsTold;
    private long _beats;

    public Task WriteAsync(JsonRpcMessage message, CancellationToken cancellationToken) => SendAsync(message, cancellationToken);

    /// <summary>Sends the answer that the exchange holds.</summary>
    public Task CompleteAsync(CancellationToken cancellationToken) => SendAsync(null, cancellationToken);

    /// <param name="message">Null for the result that the exchange holds.</param>
    private async Task SendAsync(JsonRpcMessage? message, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            if (_complete)
            {
                return;
            }

            var answer = message is null or JsonRpcResponse or JsonRpcError;
            if (!answer && !exchange.TakesEvents)
            {
                return;
            }

            _progressIsTold |= message is JsonRpcNotification { Method: NotificationMethods.ProgressNotification };
            if (!answer || _streaming)
            {
                await WriteEventAsync(message, cancellationToken);
            }
            else
            {
                await WriteJsonAsync(message, cancellationToken);
            }

            _complete = answer;
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>
    /// Commits to an event stream if nothing was sent yet, and keeps the connection busy: with progress for a client that asked for it,
    /// which keeps its own clock from running out, unless the tool tells progress itself; else with a comment.
    /// </summary>
    /// <param name="elapsed">Since the request came.</param>
    public async Task KeepAliveAsync(TimeSpan elapsed, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            if (_complete || !exchange.TakesEvents)
            {
                return;
            }

            StartStream();
            using var beat = new PooledBuffer(512);
            if (exchange.ProgressToken is { ValueKind: not JsonValueKind.Undefined } token && !_progressIsTold)
            {
                WriteProgress(beat, token, elapsed);
            }
            else
            {
                beat.Write(":\n\n"u8);
            }

            await _response.Body.WriteAsync(beat.Written, cancellationToken);
            await _response.Body.FlushAsync(cancellationToken);
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task WriteJsonAsync(JsonRpcMessage? message, CancellationToken cancellationToken)
    {
        if (exchange.IsModern && message is not null)
        {
            _response.StatusCode = McpError.StatusOf(message);
        }

        _response.ContentType = ProtocolRules.Json;
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
        Serialize(message!, envelope);
        _response.ContentLength = envelope.Length;
        await _response.Body.WriteAsync(envelope.Written, cancellationToken);
    }

    private async Task WriteEventAsync(JsonRpcMessage? message, CancellationToken cancellationToken)
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
            Serialize(message!, buffer);
        }
        // A line break ends an SSE data line. In JSON it can only be white space between tokens, so a space says the same.
        buffer.Writable[start..].ReplaceAny(_lineBreaks, (byte)' ');
        buffer.Write("\n\n"u8);
        await _response.Body.WriteAsync(buffer.Written, cancellationToken);
        await _response.Body.FlushAsync(cancellationToken);
    }

    // How far the service is, nobody knows here; what grows is the number of times we have said that it is still at work.
    private void WriteProgress(PooledBuffer beat, JsonElement token, TimeSpan elapsed)
    {
        beat.Write("event: message\ndata: "u8);
        using (var writer = new Utf8JsonWriter(beat))
        {
            writer.WriteStartObject();
            writer.WriteString("jsonrpc"u8, "2.0"u8);
            writer.WriteString("method"u8, NotificationMethods.ProgressNotification);
            writer.WriteStartObject("params"u8);
            writer.WritePropertyName("progressToken"u8);
            token.WriteTo(writer);
            writer.WriteNumber("progress"u8, ++_beats);
            writer.WriteString("message"u8, $"Still at work after {elapsed.TotalSeconds:0} s.");
            writer.WriteEndObject();
            writer.WriteEndObject();
        }
        beat.Write("\n\n"u8);
    }

    private void StartStream()
    {
        if (_streaming)
        {
            return;
        }

        _streaming = true;
        _response.ContentType = ProtocolRules.Events;
        _response.Headers.CacheControl = "no-cache, no-store";
        _response.Headers["X-Accel-Buffering"] = "no";
    }

    private PooledBuffer? RawResultOf(JsonRpcMessage? message) => message is null or JsonRpcResponse ? exchange.Result : null;

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

    private static void Serialize(JsonRpcMessage message, PooledBuffer buffer)
    {
        using var writer = new Utf8JsonWriter(buffer);
        JsonSerializer.Serialize(writer, message, _messageType);
    }

    public void Dispose() => _turn.Dispose();
}
