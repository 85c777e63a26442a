using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

#pragma warning disable MCPEXP002 // The package lets others derive a server, and says that the shape may still change.

namespace Platform.Edge.Http;

/// <summary>
/// What a handler sees of the server: who the client is, and a way to send it notifications before the answer. It lives as long as one
/// request, so it can ask the client nothing by itself; a handler that needs an answer throws <see cref="InputRequiredException"/>.
/// </summary>
internal sealed class ExchangeServer(McpExchange exchange, McpServerOptions options, McpReply reply) : McpServer
{
    private JsonRpcRequest? _request;

    public JsonRpcRequest Request =>
        _request ??= new JsonRpcRequest
        {
            Id = exchange.Id,
            Method = exchange.Method,
            Context = new JsonRpcMessageContext { User = exchange.Http.User, ProtocolVersion = exchange.HeaderVersion },
        };

    public override ClientCapabilities? ClientCapabilities => exchange.ClientCapabilities;

    public override Implementation? ClientInfo => exchange.ClientInfo;

    public override McpServerOptions ServerOptions => options;

    public override IServiceProvider? Services => exchange.Http.RequestServices;

#pragma warning disable MCP9005, CS0672 // Deprecated with 2026-07-28; nobody sets a level without a session.
    public override LoggingLevel? LoggingLevel => null;
#pragma warning restore MCP9005, CS0672

    public override string? SessionId => null;

    public override string? NegotiatedProtocolVersion => exchange.HeaderVersion;

    /// <summary>Whether a result may ask for input, which comes with the request's repeat.</summary>
    public override bool IsMrtrSupported => exchange.IsModern;

    public override Task SendMessageAsync(JsonRpcMessage message, CancellationToken cancellationToken = default) =>
        reply.WriteAsync(message, cancellationToken);

    public override Task<JsonRpcResponse> SendRequestAsync(JsonRpcRequest request, CancellationToken cancellationToken = default) =>
        throw new InvalidOperationException("A server without sessions cannot ask its client.");

    public override Task RunAsync(CancellationToken cancellationToken = default) => Task.CompletedTask;

    public override IAsyncDisposable RegisterNotificationHandler(
        string method,
        Func<JsonRpcNotification, CancellationToken, ValueTask> handler
    ) => throw new NotSupportedException("A server that lives for one request hears no notifications.");

    public override ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
