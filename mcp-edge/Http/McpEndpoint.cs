using System.Buffers;
using System.Text.Json;
using Microsoft.Extensions.Options;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;
using Platform.ServiceDefaults;

namespace Platform.Edge.Http;

/// <summary>
/// MCP over HTTP without sessions: nothing lives longer than one POST. Serves 2026-07-28 and the revisions that open with
/// <c>initialize</c>, told apart per request.
/// </summary>
public sealed class McpEndpoint(McpApplication application, OriginPolicy origins, IOptions<McpEndpointOptions> options, TimeProvider time)
{
    private readonly McpEndpointOptions _options = options.Value;
    private readonly ReadOnlyMemory<byte> _serverInfo = JsonSerializer.SerializeToUtf8Bytes(
        ServerInfo.Value,
        McpTypes.Sent<Implementation>()
    );

    public async Task HandleAsync(HttpContext http)
    {
        var request = http.Request;
        if (request.Headers.Origin is { Count: > 0 } origin && (origin.Count > 1 || !origins.Allows(origin[0]!)))
        {
            await RefuseAsync(
                http,
                new McpError(StatusCodes.Status403Forbidden, McpError.InvalidRequest, "This origin may not call the endpoint.")
            );
            return;
        }
        if (!HttpMethods.IsPost(request.Method))
        {
            http.Response.Headers.Allow = "POST";
            await RefuseAsync(
                http,
                new McpError(StatusCodes.Status405MethodNotAllowed, McpError.InvalidRequest, "Only POST is served; there are no sessions.")
            );
            return;
        }
        if (!ProtocolRules.Accepts(request, ProtocolRules.Json))
        {
            await RefuseAsync(
                http,
                new McpError(
                    StatusCodes.Status406NotAcceptable,
                    McpError.InvalidRequest,
                    "The Accept header must allow application/json; with text/event-stream too, progress can be told before the answer."
                )
            );
            return;
        }
        if (!request.HasJsonContentType())
        {
            await RefuseAsync(
                http,
                new McpError(StatusCodes.Status415UnsupportedMediaType, McpError.InvalidRequest, "The body must be application/json.")
            );
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
                await RefuseAsync(
                    http,
                    new McpError(
                        StatusCodes.Status413PayloadTooLarge,
                        McpError.InvalidRequest,
                        $"The body is larger than {_options.MaxRequestBytes} bytes."
                    )
                );
                return;
            }
            document = StrictJson.Parse(bytes.AsMemory(0, length));
            if (document is null)
            {
                await RefuseAsync(
                    http,
                    McpError.Bad(
                        McpError.ParseError,
                        "The body is not valid JSON in UTF-8 without repeated members, or a name in it is no text."
                    )
                );
                return;
            }
            await HandleMessageAsync(http, document.RootElement);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // The client hung up, which is how it cancels. There is nobody left to answer.
        }
        catch (BadHttpRequestException exception) when (!http.Response.HasStarted)
        {
            await RefuseAsync(http, new McpError(exception.StatusCode, McpError.ParseError, "The body ended early, or is not HTTP."));
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

    private async Task RefuseAsync(HttpContext http, McpError error, JsonElement id = default)
    {
        application.Refused(error);
        await error.WriteAsync(http, id);
    }

    private async Task HandleMessageAsync(HttpContext http, JsonElement root)
    {
        if (ProtocolRules.CheckShape(root) is { } malformed)
        {
            await RefuseAsync(http, malformed);
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
            await RefuseAsync(http, broken.Value, exchange.IdElement);
            return;
        }

        using var span = application.Follow(exchange);
        try
        {
            if (await application.OpenAsync(exchange) is { } options)
            {
                await AnswerAsync(exchange, options);
            }
        }
        catch (Exception exception) when (!http.RequestAborted.IsCancellationRequested && !http.Response.HasStarted)
        {
            var message = application.Explain(exchange, exception);
            await new McpError(StatusCodes.Status500InternalServerError, McpError.InternalError, message).WriteAsync(
                http,
                exchange.IdElement
            );
        }
        finally
        {
            await application.CloseAsync(exchange);
            exchange.Release();
        }
    }

    private async Task AnswerAsync(McpExchange exchange, McpServerOptions options)
    {
        var http = exchange.Http;
        if (!exchange.IsRequest)
        {
            // Nothing lives past its request, so there is nothing to tell or to cancel.
            http.Response.StatusCode = StatusCodes.Status202Accepted;
            return;
        }

        using var reply = new McpReply(exchange, _serverInfo);
        await using var dispatcher = new McpDispatcher(application, exchange, options, reply);
        var answering = dispatcher.RunAsync(http.RequestAborted);
        try
        {
            await WaitAsync(answering, reply, http.RequestAborted);
        }
        finally
        {
            // It reads the body, which is given back once we leave: also when the client hung up, or could not be told that we are at work.
            await answering.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    internal async ValueTask WaitAsync(Task answering, McpReply reply, CancellationToken aborted)
    {
        var startedAt = time.GetTimestamp();
        for (var wait = _options.StreamAfter; !answering.IsCompleted; wait = _options.KeepAlive)
        {
            // Whether this ends by the time or by the answer says nothing: they can come in the same moment.
            await answering.WaitAsync(wait, time, aborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!answering.IsCompleted)
            {
                await reply.KeepAliveAsync(time.GetElapsedTime(startedAt), aborted);
            }
        }

        await answering;
    }

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
