using System.Collections;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;
using Platform.Edge.Transcoding;

namespace Platform.Edge.Http;

/// <summary>
/// Answers one request with the handler of its method. It speaks the Core package's types, and makes no server, session or pump: a request
/// without a session needs none of them.
/// </summary>
internal sealed class McpDispatcher(McpApplication application, McpExchange exchange, McpServerOptions options, McpReply reply)
    : IAsyncDisposable
{
    private readonly McpServerHandlers _handlers = options.Handlers;
    private readonly ExchangeServer _server = new(exchange, options, reply);

    /// <summary>Sends the answer, whatever becomes of the handler. Only a client that has hung up gets none.</summary>
    public async Task RunAsync(CancellationToken aborted)
    {
        JsonRpcMessage? answer;
        try
        {
            var result = await HandleAsync(aborted);
            // A handler that has answered the exchange with raw members is done; what it returns is only a sign.
            answer = exchange.Result is null ? new JsonRpcResponse { Id = exchange.Id, Result = Write(result) } : null;
        }
        catch (InputRequiredException exception) when (_server.IsMrtrSupported)
        {
            answer = new JsonRpcResponse { Id = exchange.Id, Result = Write(exception.Result) };
        }
        catch (Exception exception) when (!aborted.IsCancellationRequested)
        {
            answer = await ExplainAsync(exception);
        }

        await (answer is null ? reply.CompleteAsync(aborted) : reply.WriteAsync(answer, aborted));
    }

    private async Task<Result> HandleAsync(CancellationToken token) =>
        exchange.Method switch
        {
            RequestMethods.Initialize => Initialize(),
            RequestMethods.ServerDiscover when exchange.IsModern => Discover(),
            RequestMethods.Ping => new EmptyResult(),
            RequestMethods.ToolsList => await AskAsync(_handlers.ListToolsHandler, token),
            RequestMethods.ToolsCall => await CallToolAsync(token),
            RequestMethods.ResourcesList => await AskAsync(_handlers.ListResourcesHandler, token),
            RequestMethods.ResourcesTemplatesList => await AskAsync(_handlers.ListResourceTemplatesHandler, token),
            RequestMethods.ResourcesRead => await AskAsync(_handlers.ReadResourceHandler, token),
            RequestMethods.ResourcesSubscribe => await TakeAsync(_handlers.SubscribeToResourcesHandler, token),
            RequestMethods.ResourcesUnsubscribe => await TakeAsync(_handlers.UnsubscribeFromResourcesHandler, token),
            RequestMethods.PromptsList => await AskAsync(_handlers.ListPromptsHandler, token),
            RequestMethods.PromptsGet => await AskAsync(_handlers.GetPromptHandler, token),
            RequestMethods.CompletionComplete => await AskAsync(_handlers.CompleteHandler, token),
            RequestMethods.SubscriptionsListen when exchange.IsModern => _handlers.SubscriptionsListenHandler is { } listen
                ? await AskAsync(listen, token)
                : await ListenToNothingAsync(token),
#pragma warning disable MCP9005 // Clients of the older era may still set a level.
            RequestMethods.LoggingSetLevel => await TakeAsync(_handlers.SetLoggingLevelHandler, token),
#pragma warning restore MCP9005
            _ => throw Unknown(),
        };

    private InitializeResult Initialize()
    {
        var asked = Parameters<InitializeRequestParams>().ProtocolVersion;
        return new InitializeResult
        {
            ProtocolVersion = ProtocolRules.InitializeVersions.Contains(asked) ? asked : ProtocolRules.InitializeVersions[^1],
            Capabilities = options.Capabilities ?? new(),
            ServerInfo = options.ServerInfo ?? ServerInfo.Value,
            Instructions = options.ServerInstructions,
        };
    }

    private DiscoverResult Discover() =>
        new()
        {
            SupportedVersions = [.. ProtocolRules.ModernVersions],
            Capabilities = options.Capabilities ?? new(),
            Instructions = options.ServerInstructions,
            // As fresh as the list of tools.
            TimeToLive = TimeSpan.FromMinutes(1),
        };

    private async Task<Result> CallToolAsync(CancellationToken token)
    {
        try
        {
            return await AskAsync(_handlers.CallToolHandler, token);
        }
        catch (Exception exception)
            when (!token.IsCancellationRequested && exception is not (McpProtocolException or InputRequiredException or BadParameters))
        {
            return new CallToolResult
            {
                IsError = true,
                Content =
                [
                    new TextContentBlock
                    {
                        Text =
                            exception is McpException
                                ? $"An error occurred invoking '{exchange.ToolName}': {exception.Message}"
                                : application.Explain(exchange, exception),
                    },
                ],
            };
        }
    }

    // Clients of the older era send these whatever the capabilities say, and treat an error as a broken server.
    private async Task<Result> TakeAsync<TParameters>(McpRequestHandler<TParameters, EmptyResult>? handler, CancellationToken token)
        where TParameters : class => handler is null ? new EmptyResult() : await AskAsync(handler, token);

    // Says that no notification will come, and ends.
    private async Task<Result> ListenToNothingAsync(CancellationToken token)
    {
        var parameters = new JsonObject
        {
            ["notifications"] = new JsonObject(),
            ["_meta"] = new JsonObject { [MetaKeys.SubscriptionId] = JsonNode.Parse(exchange.IdElement.GetRawText()) },
        };
        await reply.WriteAsync(
            new JsonRpcNotification { Method = NotificationMethods.SubscriptionsAcknowledgedNotification, Params = parameters },
            token
        );
        return new EmptyResult();
    }

    private async Task<Result> AskAsync<TParameters, TResult>(McpRequestHandler<TParameters, TResult>? handler, CancellationToken token)
        where TParameters : class
        where TResult : Result =>
        handler is null
            ? throw Unknown()
            : await handler(new RequestContext<TParameters>(_server, _server.Request, Parameters<TParameters>()), token);

    private T Parameters<T>()
        where T : class
    {
        // Arguments can be megabytes. The application reads them from the parsed body, and nobody else needs them. The metadata of a call
        // is worth reading for its progress token alone.
        var isCall = exchange.Method == RequestMethods.ToolsCall;
        var isSilent = exchange.ProgressToken.ValueKind == JsonValueKind.Undefined;
        using var members = new PooledBuffer();
        using (var json = new Utf8JsonWriter(members))
        {
            json.WriteStartObject();
            if (exchange.Params.ValueKind == JsonValueKind.Object)
            {
                foreach (var member in exchange.Params.EnumerateObject())
                {
                    if (!isCall || !(member.NameEquals("arguments"u8) || (isSilent && member.NameEquals("_meta"u8))))
                    {
                        // As it came: a value that is no text is refused below, with its place.
                        json.WritePropertyName(member.Name);
                        json.WriteRawValue(JsonMarshal.GetRawUtf8Value(member.Value), skipInputValidation: true);
                    }
                }
            }

            json.WriteEndObject();
        }

        try
        {
            return JsonSerializer.Deserialize(members.WrittenSpan, McpTypes.Received<T>())!;
        }
        catch (JsonException exception)
        {
            throw new BadParameters(Fault<T>(exception), exception);
        }
    }

    private string Fault<T>(JsonException exception)
    {
        var missing = McpTypes
            .Received<T>()
            .Properties.Where(member => member.IsRequired)
            .Select(member => member.Name)
            .Where(name => exchange.Params.ValueKind != JsonValueKind.Object || !exchange.Params.TryGetProperty(name, out _))
            .ToList();
        return missing.Count > 0
            ? $"The params lack {string.Join(", ", missing)}."
            : $"The member params{exception.Path?[1..]} does not have the form that the method needs.";
    }

    private JsonObject Write(Result result)
    {
        if (exchange.IsModern)
        {
            result.ResultType ??= result is InputRequiredResult ? "input_required" : "complete";
            if (result is ICacheableResult cacheable)
            {
                cacheable.TimeToLive ??= TimeSpan.Zero;
                cacheable.CacheScope ??= CacheScope.Private;
            }
        }

        var node = (JsonObject)JsonSerializer.SerializeToNode(result, McpTypes.Sent(result.GetType()))!;
        if (exchange.IsModern)
        {
            var meta = node["_meta"] as JsonObject;
            if (meta is null)
            {
                node["_meta"] = meta = [];
            }

            meta["io.modelcontextprotocol/serverInfo"] = JsonSerializer.SerializeToNode(ServerInfo.Value, McpTypes.Sent<Implementation>());
        }

        return node;
    }

    private async ValueTask<JsonRpcError> ExplainAsync(Exception exception)
    {
        var error = Explain(exception);
        if (error.Error.Code != McpError.InternalError)
        {
            await application.RefusedAsync(exchange, error.Error.Code);
        }

        return error;
    }

    private JsonRpcError Explain(Exception exception) =>
        exception switch
        {
            MissingRequiredClientCapabilityException missing => Error(
                McpError.MissingCapability,
                missing.Message,
                new JsonObject
                {
                    ["requiredCapabilities"] = JsonSerializer.SerializeToNode(
                        missing.RequiredCapabilities,
                        McpTypes.Sent<ClientCapabilities>()
                    ),
                }
            ),
            McpProtocolException protocol => Error((int)protocol.ErrorCode, protocol.Message, DataOf(protocol)),
            BadParameters => Error(McpError.InvalidParams, exception.Message, null),
            _ => Error(McpError.InternalError, application.Explain(exchange, exception), null),
        };

    private JsonRpcError Error(int code, string message, JsonObject? data) =>
        new()
        {
            Id = exchange.Id,
            Error = new JsonRpcErrorDetail
            {
                Code = code,
                Message = message,
                Data = data,
            },
        };

    private static JsonObject? DataOf(Exception exception)
    {
        var data = new JsonObject();
        foreach (DictionaryEntry entry in exception.Data)
        {
            if (entry is { Key: string key, Value: string value })
            {
                data[key] = value;
            }
        }

        return data.Count == 0 ? null : data;
    }

    private McpProtocolException Unknown() => new($"Method '{exchange.Method}' is not available.", McpErrorCode.MethodNotFound);

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private sealed class BadParameters(string message, Exception inner) : Exception(message, inner);
}
