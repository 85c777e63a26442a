using System.Text.Json;
using ModelContextProtocol.Protocol;
using Platform.Edge.Transcoding;

namespace Platform.Edge.Http;

/// <summary>A JSON-RPC error together with the HTTP status it travels under.</summary>
internal readonly record struct McpError(int Status, int Code, string Message)
{
    public const int ParseError = -32700;
    public const int InvalidRequest = -32600;
    public const int MethodNotFound = -32601;
    public const int InvalidParams = -32602;
    public const int InternalError = -32603;
    public const int HeaderMismatch = -32020;
    public const int MissingCapability = -32021;
    public const int UnsupportedVersion = -32022;
    public const int TooManyRequests = -32029;

    /// <summary>For <see cref="UnsupportedVersion"/>: what the client asked for.</summary>
    public string? Requested { get; init; }

    /// <summary>For a resource that is not there: its URI.</summary>
    public string? Uri { get; init; }

    public static McpError Bad(int code, string message) => new(StatusCodes.Status400BadRequest, code, message);

    public async Task WriteAsync(HttpContext http, JsonElement id = default)
    {
        var response = http.Response;
        response.StatusCode = Status;
        response.ContentType = "application/json";
        using var buffer = new PooledBuffer(256);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("jsonrpc"u8, "2.0"u8);
            writer.WritePropertyName("id"u8);
            if (id.ValueKind == JsonValueKind.Undefined)
            {
                writer.WriteNullValue();
            }
            else
            {
                id.WriteTo(writer);
            }

            writer.WriteStartObject("error"u8);
            writer.WriteNumber("code"u8, Code);
            writer.WriteString("message"u8, Message);
            if (Requested is not null)
            {
                writer.WriteStartObject("data"u8);
                writer.WriteStartArray("supported"u8);
                foreach (var version in ProtocolRules.ModernVersions)
                {
                    writer.WriteStringValue(version);
                }

                writer.WriteEndArray();
                writer.WriteString("requested"u8, Requested);
                writer.WriteEndObject();
            }
            if (Uri is not null)
            {
                writer.WriteStartObject("data"u8);
                writer.WriteString("uri"u8, Uri);
                writer.WriteEndObject();
            }
            writer.WriteEndObject();
            writer.WriteEndObject();
        }
        response.ContentLength = buffer.Length;
        await response.Body.WriteAsync(buffer.Written, http.RequestAborted);
    }

    /// <summary>The status a modern client expects for the error that opens the reply; 200 for all others.</summary>
    public static int StatusOf(JsonRpcMessage message) =>
        message is not JsonRpcError { Error.Code: var code }
            ? StatusCodes.Status200OK
            : code switch
            {
                MethodNotFound => StatusCodes.Status404NotFound,
                HeaderMismatch or MissingCapability or UnsupportedVersion => StatusCodes.Status400BadRequest,
                _ => StatusCodes.Status200OK,
            };
}
