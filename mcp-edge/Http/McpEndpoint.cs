using System.Buffers;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Options;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace Platform.Edge.Http;

/// <summary>
/// MCP over HTTP without sessions: one server object lives for one POST. Serves 2026-07-28 and the revisions that open with
/// <c>initialize</c>, told apart per request.
/// </summary>
public sealed class McpEndpoint(McpApplication application, OriginPolicy origins, IOptions<McpEndpointOptions> options, TimeProvider time)
{
    private static readonly JsonDocumentOptions _strict = new() { MaxDepth = 64, AllowDuplicateProperties = false };

    private readonly McpEndpointOptions _options = options.Value;
    private readonly ReadOnlyMemory<byte> _serverInfo = JsonSerializer.SerializeToUtf8Bytes(
        ServerInfo.Value,
        ModelContextProtocol.McpJsonUtilities.DefaultOptions.GetTypeInfo(typeof(Implementation))
    );

    public async Task HandleAsync(HttpContext http)
    {
        var request = http.Request;
        if (request.Headers.Origin is { Count: > 0 } origin && (origin.Count > 1 || !origins.Allows(origin[0]!)))
        {
            await new McpError(
                StatusCodes.Status403Forbidden,
                McpError.InvalidRequest,
                "This origin may not call the endpoint."
            ).WriteAsync(http);
            return;
        }
        if (!HttpMethods.IsPost(request.Method))
        {
            http.Response.Headers.Allow = "POST";
            await new McpError(
                StatusCodes.Status405MethodNotAllowed,
                McpError.InvalidRequest,
                "Only POST is served; there are no sessions."
            ).WriteAsync(http);
            return;
        }
        if (!ProtocolRules.AcceptsBoth(request))
        {
            await new McpError(
                StatusCodes.Status406NotAcceptable,
                McpError.InvalidRequest,
                "The Accept header must list application/json and text/event-stream."
            ).WriteAsync(http);
            return;
        }
        if (!request.HasJsonContentType())
        {
            await new McpError(
                StatusCodes.Status415UnsupportedMediaType,
                McpError.InvalidRequest,
                "The body must be application/json."
            ).WriteAsync(http);
            return;
        }
        if (!await application.AdmitAsync(http))
        {
            return;
        }

        byte[]? bytes = null;
        JsonDocument? document = null;
        try
        {
            int length;
            (bytes, length) = await ReadBodyAsync(request, _options.MaxRequestBytes, http.RequestAborted);
            if (length < 0)
            {
                await new McpError(
                    StatusCodes.Status413PayloadTooLarge,
                    McpError.InvalidRequest,
                    $"The body is larger than {_options.MaxRequestBytes} bytes."
                ).WriteAsync(http);
                return;
            }
            document = Parse(bytes.AsMemory(0, length));
            if (document is null)
            {
                await McpError.Bad(McpError.ParseError, "The body is not valid JSON in UTF-8 without repeated members.").WriteAsync(http);
                return;
            }
            await HandleMessageAsync(http, document.RootElement);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // The client hung up, which is how it cancels. There is nobody left to answer.
        }
        finally
        {
            document?.Dispose();
            if (bytes is not null)
            {
                ArrayPool<byte>.Shared.Return(bytes);
            }
        }
    }

    private static JsonDocument? Parse(ReadOnlyMemory<byte> utf8)
    {
        try
        {
            return System.Text.Unicode.Utf8.IsValid(utf8.Span) ? JsonDocument.Parse(utf8, _strict) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private async Task HandleMessageAsync(HttpContext http, JsonElement root)
    {
        if (ProtocolRules.CheckShape(root) is { } malformed)
        {
            await malformed.WriteAsync(http);
            return;
        }
        var header = http.Request.Headers[ProtocolRules.VersionHeader];
        var exchange = new McpExchange(http, root, header.Count == 0 ? null : header.ToString().Trim());
        var broken = ProtocolRules.Check(exchange);
        if (broken is null && exchange is { IsModern: true, ToolName: { } tool })
        {
            broken = ProtocolRules.CheckParameters(exchange, application.MirroredParameters(tool));
        }

        if (broken is not null)
        {
            await broken.Value.WriteAsync(http, exchange.IdElement);
            return;
        }
        try
        {
            if (await application.OpenAsync(exchange) is { } handling)
            {
                using var reply = new McpReply(exchange, _serverInfo);
                if (handling.Answer is { } answer)
                {
                    await AnswerAsync(answer, reply, http.RequestAborted);
                }
                else
                {
                    await ServeAsync(exchange, handling.Engine!, reply);
                }
            }
        }
        finally
        {
            await application.CloseAsync(exchange);
            exchange.Release();
        }
    }

    private async Task AnswerAsync(Func<CancellationToken, Task> answer, McpReply reply, CancellationToken aborted)
    {
        var answering = CompleteAsync();
        try
        {
            await WaitAsync(answering, reply, aborted);
        }
        finally
        {
            // It reads the body, which is given back once we leave: also when the client hung up, or could not be told that we are at work.
            await ((Task)answering).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        async Task<bool> CompleteAsync()
        {
            await answer(aborted);
            await reply.CompleteAsync(aborted);
            return true;
        }
    }

    private async Task ServeAsync(McpExchange exchange, McpServerOptions serverOptions, McpReply reply)
    {
        var http = exchange.Http;
        var message = ToMessage(exchange);
        serverOptions.ScopeRequests = false;
        serverOptions.ServerInfo ??= ServerInfo.Value;
        serverOptions.Filters.Message.OutgoingFilters.Add(next =>
            async (context, cancellationToken) =>
            {
                await reply.WriteAsync(context.JsonRpcMessage, cancellationToken);
                if (context.JsonRpcMessage is JsonRpcMessageWithId)
                {
                    await next(context, cancellationToken);
                }
            }
        );

        using var stop = new CancellationTokenSource();
        var transport = new StreamableHttpServerTransport { Stateless = true };
        var server = McpServer.Create(transport, serverOptions, null, http.RequestServices);
        var loop = server.RunAsync(stop.Token);
        try
        {
            var post = transport.HandlePostRequestAsync(message, Stream.Null, static _ => ValueTask.CompletedTask, http.RequestAborted);
            if (!await WaitAsync(post, reply, http.RequestAborted))
            {
                http.Response.StatusCode = StatusCodes.Status202Accepted;
            }
        }
        finally
        {
            await transport.DisposeAsync();
            await stop.CancelAsync();
            try
            {
                await loop;
            }
            catch (OperationCanceledException)
            {
                // Its end is what was asked for.
            }
            await server.DisposeAsync();
        }
    }

    private async ValueTask<bool> WaitAsync(Task<bool> post, McpReply reply, CancellationToken aborted)
    {
        if (post.IsCompleted)
        {
            return await post;
        }

        var startedAt = time.GetTimestamp();
        for (var wait = _options.StreamAfter; ; wait = _options.KeepAlive)
        {
            try
            {
                return await post.WaitAsync(wait, time, aborted);
            }
            catch (TimeoutException) when (!post.IsCompleted)
            {
                await reply.KeepAliveAsync(time.GetElapsedTime(startedAt), aborted);
            }
        }
    }

    private static JsonRpcMessage ToMessage(McpExchange exchange)
    {
        var context = new JsonRpcMessageContext { User = exchange.Http.User, ProtocolVersion = exchange.HeaderVersion };
        if (!exchange.IsRequest)
        {
            return new JsonRpcNotification
            {
                Method = exchange.Method,
                Params = ToNode(exchange.Params),
                Context = context,
            };
        }

        exchange.Id =
            exchange.IdElement.ValueKind == JsonValueKind.String
                ? new RequestId(exchange.IdElement.GetString()!)
                : new RequestId(exchange.IdElement.GetInt64());
        return new JsonRpcRequest
        {
            Id = exchange.Id,
            Method = exchange.Method,
            Params =
                exchange.Method == RequestMethods.ToolsCall && exchange.ToolName is not null
                    ? WithoutArguments(exchange.Params)
                    : ToNode(exchange.Params),
            Context = context,
        };
    }

    private static JsonObject? ToNode(JsonElement parameters) =>
        parameters.ValueKind == JsonValueKind.Object ? JsonObject.Create(parameters) : null;

    // Arguments can be megabytes. The application reads them from the parsed body; the SDK would parse and copy them twice.
    private static JsonObject WithoutArguments(JsonElement parameters)
    {
        var node = new JsonObject();
        foreach (var member in parameters.EnumerateObject())
        {
            if (!member.NameEquals("arguments"u8))
            {
                node[member.Name] = ToAnyNode(member.Value);
            }
        }
        return node;
    }

    private static JsonNode? ToAnyNode(JsonElement element) =>
        element.ValueKind switch
        {
            JsonValueKind.Object => JsonObject.Create(element),
            JsonValueKind.Array => JsonArray.Create(element),
            JsonValueKind.Null => null,
            _ => JsonValue.Create(element),
        };

    private static async ValueTask<(byte[]? Bytes, int Length)> ReadBodyAsync(
        HttpRequest request,
        int limit,
        CancellationToken cancellationToken
    )
    {
        if (request.ContentLength > limit)
        {
            return (null, -1);
        }

        var bytes = ArrayPool<byte>.Shared.Rent((int)(request.ContentLength + 1 ?? 16 * 1024));
        var length = 0;
        while (true)
        {
            var read = await request.Body.ReadAsync(bytes.AsMemory(length), cancellationToken);
            if (read == 0)
            {
                return (bytes, length);
            }

            length += read;
            if (length > limit)
            {
                return (bytes, -1);
            }

            if (length < bytes.Length)
            {
                continue;
            }

            var bigger = ArrayPool<byte>.Shared.Rent(bytes.Length * 2);
            bytes.AsSpan().CopyTo(bigger);
            ArrayPool<byte>.Shared.Return(bytes);
            bytes = bigger;
        }
    }
}
