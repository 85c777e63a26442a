using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Microsoft.AspNetCore.Http;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;
using Platform.Edge.Http;

#pragma warning disable MCP9005 // Logging is deprecated with 2026-07-28, and still what the suite of 2025-11-25 asks for.

namespace Platform.Edge.Tests.Conformance;

/// <summary>
/// The tools, resources and prompts that the official suite calls, behind the product's endpoint. Without policy: the suite has no token.
/// </summary>
public sealed class ConformanceApplication : McpApplication
{
    private readonly ConcurrentDictionary<Channel<string>, bool> _listeners = new();

    public override ValueTask<bool> AdmitAsync(HttpContext http) => ValueTask.FromResult(true);

    public override IReadOnlyList<MirroredParameter> MirroredParameters(string toolName) =>
        toolName == "test_mirrored_parameter" ? [new MirroredParameter("region", "Region")] : [];

    public override ValueTask<McpServerOptions?> OpenAsync(McpExchange exchange) =>
        ValueTask.FromResult<McpServerOptions?>(
            new()
            {
                Capabilities = new()
                {
                    Tools = new() { ListChanged = true },
                    Prompts = new() { ListChanged = true },
                    Resources = new() { Subscribe = true },
                    Completions = new(),
                    Logging = exchange.IsModern ? null : new(),
                },
                Handlers = new()
                {
                    ListToolsHandler = (_, _) => ValueTask.FromResult(ConformanceTools.List),
                    CallToolHandler = (request, token) => ConformanceTools.CallAsync(this, request, token),
                    ListPromptsHandler = (_, _) => ValueTask.FromResult(ConformancePrompts.List),
                    GetPromptHandler = (request, _) => ValueTask.FromResult(ConformancePrompts.Get(request)),
                    ListResourcesHandler = (_, _) => ValueTask.FromResult(ConformanceResources.List),
                    ListResourceTemplatesHandler = (_, _) => ValueTask.FromResult(ConformanceResources.Templates),
                    ReadResourceHandler = (request, _) => ValueTask.FromResult(ConformanceResources.Read(request.Params.Uri)),
                    CompleteHandler = (_, _) =>
                        ValueTask.FromResult(
                            new CompleteResult
                            {
                                Completion = new()
                                {
                                    Values = ["one", "two"],
                                    Total = 2,
                                    HasMore = false,
                                },
                            }
                        ),
                    SubscribeToResourcesHandler = (_, _) => ValueTask.FromResult(new EmptyResult()),
                    UnsubscribeFromResourcesHandler = (_, _) => ValueTask.FromResult(new EmptyResult()),
                    SetLoggingLevelHandler = (_, _) => ValueTask.FromResult(new EmptyResult()),
                    SubscriptionsListenHandler = ListenAsync,
                },
            }
        );

    public override string Explain(McpExchange exchange, Exception exception) => exception.Message;

    /// <summary>Tells all who listen that a list has changed.</summary>
    public void Announce(string notification)
    {
        foreach (var listener in _listeners.Keys)
        {
            listener.Writer.TryWrite(notification);
        }
    }

    private async ValueTask<EmptyResult> ListenAsync(
        RequestContext<SubscriptionsListenRequestParams> request,
        CancellationToken cancellationToken
    )
    {
        var wanted = request.Params.Notifications ?? new();
        var channel = Channel.CreateUnbounded<string>();
        _listeners[channel] = true;
        try
        {
            var granted = new JsonObject
            {
                ["toolsListChanged"] = wanted.ToolsListChanged,
                ["promptsListChanged"] = wanted.PromptsListChanged,
            };
            await SendAsync(
                request,
                NotificationMethods.SubscriptionsAcknowledgedNotification,
                new JsonObject { ["notifications"] = granted },
                cancellationToken
            );
            await foreach (var notification in channel.Reader.ReadAllAsync(cancellationToken))
            {
                if (
                    notification == NotificationMethods.ToolListChangedNotification
                        ? wanted.ToolsListChanged == true
                        : wanted.PromptsListChanged == true
                )
                {
                    await SendAsync(request, notification, [], cancellationToken);
                }
            }
            return new EmptyResult();
        }
        finally
        {
            _listeners.TryRemove(channel, out _);
        }
    }

    private static Task SendAsync(
        RequestContext<SubscriptionsListenRequestParams> request,
        string notification,
        JsonObject parameters,
        CancellationToken cancellationToken
    )
    {
        parameters["_meta"] = new JsonObject
        {
            [MetaKeys.SubscriptionId] = JsonSerializer.SerializeToNode(request.JsonRpcRequest.Id, McpJsonUtilities.DefaultOptions),
        };
        return request.Server.SendNotificationAsync(notification, parameters, McpJsonUtilities.DefaultOptions, cancellationToken);
    }

    internal static T Read<T>(string json) => JsonSerializer.Deserialize<T>(json, McpJsonUtilities.DefaultOptions)!;
}
