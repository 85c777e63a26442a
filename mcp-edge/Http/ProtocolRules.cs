using System.Text.Json;
using ModelContextProtocol.Protocol;
using Platform.Edge.Transcoding;

namespace Platform.Edge.Http;

/// <summary>What the transport demands of a message and its headers, for both eras of the protocol.</summary>
internal static class ProtocolRules
{
    public const string VersionHeader = "MCP-Protocol-Version";
    public const string Json = "application/json";
    public const string Events = "text/event-stream";
    private const string MethodHeader = "Mcp-Method";
    private const string NameHeader = "Mcp-Name";
    private const string CapabilitiesKey = "io.modelcontextprotocol/clientCapabilities";
    private const string ClientKey = "io.modelcontextprotocol/clientInfo";
    private const string ParameterHeaderPrefix = "Mcp-Param-";

    /// <summary>Revisions where each request carries its own metadata and nothing is negotiated.</summary>
    public static readonly string[] ModernVersions = ["2026-07-28"];

    /// <summary>Revisions that open with <c>initialize</c>, oldest first.</summary>
    public static readonly string[] InitializeVersions = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];

    /// <summary>Null when the JSON is one request or one notification.</summary>
    public static McpError? CheckShape(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object)
        {
            return McpError.Bad(McpError.InvalidRequest, "The body must be one JSON-RPC message; batches are not supported.");
        }

        if (!root.TryGetProperty("jsonrpc"u8, out var version) || version.TextOrNull() != "2.0")
        {
            return McpError.Bad(McpError.InvalidRequest, "The member 'jsonrpc' must be \"2.0\".");
        }

        if (!root.TryGetProperty("method"u8, out var method) || method.TextOrNull() is null)
        {
            return McpError.Bad(McpError.InvalidRequest, "The body must be a request or a notification with a 'method'.");
        }

        if (
            root.TryGetProperty("id"u8, out var id)
            && id.TextOrNull() is null
            && !(id.ValueKind == JsonValueKind.Number && id.TryGetInt64(out _))
        )
        {
            return McpError.Bad(
                McpError.InvalidRequest,
                "The member 'id' must be a string or an integer; leave it out for a notification."
            );
        }
        return root.TryGetProperty("params"u8, out var parameters) && parameters.ValueKind != JsonValueKind.Object
            ? McpError.Bad(McpError.InvalidRequest, "The member 'params' must be an object.")
            : null;
    }

    /// <summary>Decides the era of the message and checks what that era demands. Null when all is well.</summary>
    public static McpError? Check(McpExchange exchange)
    {
        var header = exchange.HeaderVersion;
        if (header is not null && !ModernVersions.Contains(header) && !InitializeVersions.Contains(header))
        {
            return McpError.Bad(McpError.UnsupportedVersion, $"Protocol version '{header}' is not supported.") with { Requested = header };
        }

        var declared = exchange.MetaText("io.modelcontextprotocol/protocolVersion"u8);
        var headerIsModern = header is not null && ModernVersions.Contains(header);
        exchange.IsModern = headerIsModern || (declared is not null && !InitializeVersions.Contains(declared));
        return exchange.IsModern ? CheckModern(exchange, header, declared) : CheckInitializeEra(exchange, header);
    }

    private static McpError? CheckInitializeEra(McpExchange exchange, string? header)
    {
        if (
            exchange.Method != RequestMethods.Initialize
            || header is null
            || exchange.Params.ValueKind != JsonValueKind.Object
            || !exchange.Params.TryGetProperty("protocolVersion"u8, out var asked)
            || asked.TextOrNull() is not { } version
            || version == header
        )
        {
            return null;
        }
        return McpError.Bad(McpError.HeaderMismatch, $"The header {VersionHeader} and params.protocolVersion differ.");
    }

    private static McpError? CheckModern(McpExchange exchange, string? header, string? declared)
    {
        if (header is null)
        {
            return McpError.Bad(McpError.HeaderMismatch, $"The header {VersionHeader} is missing.");
        }

        if (exchange.IsRequest && declared is null)
        {
            return McpError.Bad(McpError.InvalidParams, "params._meta must have 'io.modelcontextprotocol/protocolVersion'.");
        }

        if (declared is not null && declared != header)
        {
            return McpError.Bad(McpError.HeaderMismatch, $"The header {VersionHeader} and the version in params._meta differ.");
        }

        if (CheckMirror(exchange, MethodHeader, exchange.Method) is { } wrongMethod)
        {
            return wrongMethod;
        }

        var named = exchange.Method switch
        {
            RequestMethods.ToolsCall or RequestMethods.PromptsGet => "name",
            RequestMethods.ResourcesRead => "uri",
            _ => null,
        };
        if (named is not null)
        {
            var value =
                exchange.Params.ValueKind == JsonValueKind.Object && exchange.Params.TryGetProperty(named, out var element)
                    ? element.TextOrNull()
                    : null;
            if (CheckMirror(exchange, NameHeader, value) is { } wrongName)
            {
                return wrongName;
            }
        }
        if (!exchange.IsRequest)
        {
            return null;
        }

        if (!exchange.Meta.TryGetProperty(CapabilitiesKey, out var capabilities) || capabilities.ValueKind != JsonValueKind.Object)
        {
            return McpError.Bad(McpError.InvalidParams, $"params._meta must have the object '{CapabilitiesKey}'.");
        }

        // Read once and now: a handler that finds them unreadable could only fail.
        if (
            !TryRead<ClientCapabilities>(exchange.Meta, CapabilitiesKey, out var can)
            || !TryRead<Implementation>(exchange.Meta, ClientKey, out var client)
        )
        {
            return McpError.Bad(
                McpError.InvalidParams,
                $"In params._meta, '{CapabilitiesKey}' or '{ClientKey}' does not have the form of version {header}."
            );
        }

        (exchange.ClientCapabilities, exchange.ClientInfo) = (can, client);
        return IsRemoved(exchange.Method)
            ? new McpError(
                StatusCodes.Status404NotFound,
                McpError.MethodNotFound,
                $"The method '{exchange.Method}' does not exist in version {header}."
            )
            : null;
    }

    private static bool TryRead<T>(JsonElement meta, string key, out T? value)
        where T : class
    {
        value = null;
        try
        {
            if (meta.TryGetProperty(key, out var given))
            {
                value = given.Deserialize(McpTypes.Received<T>());
            }

            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    /// <summary>Checks that the headers of mirrored parameters say what the arguments say. Null when they do.</summary>
    public static McpError? CheckParameters(McpExchange exchange, IReadOnlyList<MirroredParameter> parameters)
    {
        foreach (var parameter in parameters)
        {
            var header = $"{ParameterHeaderPrefix}{parameter.Header}";
            var argument =
                exchange.Arguments.ValueKind == JsonValueKind.Object && exchange.Arguments.TryGetProperty(parameter.Name, out var given)
                    ? given
                    : default;
            var isLeftOut = argument.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null;
            if (isLeftOut && !exchange.Http.Request.Headers.ContainsKey(header))
            {
                continue;
            }

            if (CheckMirror(exchange, header, isLeftOut ? null : argument.TextOrNull() ?? argument.GetRawText()) is { } wrong)
            {
                return wrong;
            }
        }
        return null;
    }

    private static McpError? CheckMirror(McpExchange exchange, string header, string? expected)
    {
        var values = exchange.Http.Request.Headers[header];
        if (values.Count == 0)
        {
            return McpError.Bad(McpError.HeaderMismatch, $"The header {header} is missing.");
        }

        var text = values.Count == 1 ? values[0]!.Trim() : null;
        return text is null || text.AsSpan().ContainsAnyExceptInRange(' ', '~') || McpHeaderEncoder.DecodeValue(text) != expected
            ? McpError.Bad(McpError.HeaderMismatch, $"The header {header} does not match the body.")
            : null;
    }

    private static bool IsRemoved(string method) =>
        method is "initialize" or "ping" or "logging/setLevel" or "resources/subscribe" or "resources/unsubscribe";

    /// <summary>Whether the client takes an answer of this media type. Without an Accept header it takes JSON.</summary>
    public static bool Accepts(HttpRequest request, string mediaType)
    {
        var accept = request.Headers.Accept;
        return accept.Count switch
        {
            0 => mediaType == Json,
            // What clients are asked to send.
            1 when accept[0] == $"{Json}, {Events}" => true,
            _ => request.GetTypedHeaders().Accept.Any(range => range.Quality != 0 && range.MatchesMediaType(mediaType)),
        };
    }
}
