using System.Collections.Frozen;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Options;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;
using Platform.Audit.Contracts;
using Platform.Edge.Access;
using Platform.Edge.Audit;
using Platform.Edge.Callers;
using Platform.Edge.Calls;
using Platform.Edge.Catalogue;
using Platform.Edge.Compact;
using Platform.Edge.Completions;
using Platform.Edge.Http;
using Platform.Edge.Lookups;
using Platform.Edge.Prompts;
using Platform.Edge.Resources;
using Platform.Edge.Tools;
using Platform.ServiceDefaults.Telemetry;

namespace Platform.Edge;

/// <summary>The tools of the platform behind the MCP endpoint: who calls, whether they may, and what becomes of it.</summary>
internal sealed class EdgeApplication(
    ToolSurface surface,
    CompactSurface compact,
    ResourceCatalogue resources,
    PromptCatalogue prompts,
    CompletionCatalogue completions,
    UrlNarrowings narrowings,
    BearerReader bearers,
    CallerCache callers,
    Policy policy,
    ToolCaller tools,
    CallAudit audit,
    UnknownCallers unknown,
    Instructions instructions,
    IOptions<McpEndpointOptions> endpoint,
    TimeProvider time
) : McpApplication
{
    // Name and tags as OpenTelemetry's conventions for MCP have them; what the world may choose freely is no tag.
    private static readonly Histogram<double> _duration = PlatformMeter.Instance.CreateHistogram<double>(
        "mcp.server.operation.duration",
        "s",
        "From a request to its answer, by method, tool and, where it failed, reason."
    );

    private static readonly FrozenSet<string> _methods = FrozenSet.Create(
        StringComparer.Ordinal,
        RequestMethods.Initialize,
        RequestMethods.ServerDiscover,
        RequestMethods.Ping,
        RequestMethods.ToolsList,
        RequestMethods.ToolsCall,
        RequestMethods.ResourcesList,
        RequestMethods.ResourcesTemplatesList,
        RequestMethods.ResourcesRead,
        RequestMethods.PromptsList,
        RequestMethods.PromptsGet,
        RequestMethods.CompletionComplete,
        NotificationMethods.InitializedNotification,
        NotificationMethods.CancelledNotification
    );

    private static readonly ServerCapabilities _capabilities = new()
    {
        Tools = new(),
        Resources = new(),
        Prompts = new(),
        Completions = new(),
    };

    // Tells the engine that it is done; the exchange has its answer.
    private static readonly CallToolResult _answered = new() { Content = [] };

    public override async ValueTask<bool> AdmitAsync(HttpContext http)
    {
        if (!narrowings.TryRead(http.Request.QueryString, out var narrowing, out var problem))
        {
            await McpError.Bad(McpError.InvalidParams, problem).WriteAsync(http);
            return false;
        }
        var bearer = await bearers.ReadAsync(http);
        if (bearer.Unavailable)
        {
            await UnavailableAsync(http, bearer.Problem!);
            return false;
        }
        if (bearer.Credential is not { } credential)
        {
            if (bearer.Problem is not null)
            {
                unknown.Refused(http, "UNKNOWN_TOKEN");
            }

            await Challenge.UnauthorizedAsync(http, endpoint.Value, narrowing.Scopes, bearer.Problem);
            return false;
        }
        http.Features.Set(new Admission(credential, narrowing));
        return true;
    }

    public override async ValueTask<McpHandling?> OpenAsync(McpExchange exchange)
    {
        var http = exchange.Http;
        var (credential, narrowing) = http.Features.Get<Admission>()!;
        var target = TargetOf(exchange, narrowing);
        if (target is null && exchange is { Method: RequestMethods.ToolsCall or RequestMethods.ResourcesRead, IsRequest: true })
        {
            await new McpError(
                StatusCodes.Status200OK,
                McpError.InvalidParams,
                exchange.Method == RequestMethods.ToolsCall
                    ? "params.name must be the name of a tool."
                    : "params.uri must be the URI of a resource."
            ).WriteAsync(http, exchange.IdElement);
            return null;
        }
        var tool = target?.Tool;
        var call = new EdgeCall
        {
            Exchange = exchange,
            ToolName = target?.Name ?? "",
            Tool = tool,
            Arguments = target?.Arguments ?? default,
            Through = target?.Through ?? "",
            StartedAt = time.GetTimestamp(),
            OccurredAt = time.GetUtcNow(),
            TraceParent =
                exchange.MetaText("traceparent"u8) is { Length: <= 100 } given && ActivityContext.TryParse(given, null, out _)
                    ? given
                    : Activity.Current?.Id,
        };
        exchange.State = call;
        if (Activity.Current is { IsAllDataRequested: true } span)
        {
            Describe(call, span);
        }

        var environment = tool?.Definition.IsEnvironmentBound == true ? call.Text(Contracts.Catalogue.SharedArguments.Environment) : null;
        if (environment is { Length: 0 or > 100 })
        {
            environment = null;
        }

        try
        {
            call.Caller = await callers.GetAsync(
                credential,
                narrowing.Workspace,
                narrowing.Environment.Length > 0 ? narrowing.Environment : environment ?? "",
                http.RequestAborted
            );
        }
        catch (IdentityUnavailableException exception)
        {
            call.Error = "UNAVAILABLE";
            audit.Later(call, AuditOutcomes.Refused, "UNAVAILABLE");
            await UnavailableAsync(http, exception.Message, exchange);
            return null;
        }
        var caller = call.Caller;
        var refusal = Policy.OfIdentity(caller, asTool: environment is not null && narrowing.Environment.Length == 0);
        if (refusal is null && target is not null)
        {
            refusal = target.Refusal ?? PolicyOf(target, caller, narrowing, environment);
        }

        if (refusal is not null && !await RefuseAsync(call, narrowing, refusal))
        {
            return null;
        }

        return exchange.IsRequest && exchange.ToolName is not null && ToolCaller.IsPlain(call)
            ? McpHandling.Plainly(cancellationToken => tools.AnswerAsync(call, request: null, cancellationToken))
            : McpHandling.By(Handlers(call, new Asker(call, credential, narrowing), narrowing));
    }

    public override ValueTask CloseAsync(McpExchange exchange)
    {
        if (exchange.State is EdgeCall call)
        {
            _duration.Record(time.GetElapsedTime(call.StartedAt).TotalSeconds, Tags(call));
        }

        return ValueTask.CompletedTask;
    }

    private static void Describe(EdgeCall call, Activity span)
    {
        var method = MethodOf(call);
        span.DisplayName = call.Tool is { } tool ? $"{method} {tool.Name}" : method;
        foreach (var (name, value) in Tags(call))
        {
            span.SetTag(name, value);
        }
    }

    private static TagList Tags(EdgeCall call)
    {
        var tags = new TagList { { "mcp.method.name", MethodOf(call) } };
        if (call.Tool is { } tool)
        {
            tags.Add("gen_ai.tool.name", tool.Name);
        }

        if (call.Error is { } error)
        {
            tags.Add("error.type", error);
        }

        return tags;
    }

    private static string MethodOf(EdgeCall call) => _methods.Contains(call.Exchange.Method) ? call.Exchange.Method : "_OTHER";

    /// <summary>What a message is about; null when it is about no tool and makes no services work.</summary>
    private AskedFor? TargetOf(McpExchange exchange, UrlNarrowing narrowing)
    {
        if (exchange is { IsRequest: true, ResourceUri: { } uri })
        {
            return resources.Find(uri);
        }

        if (exchange is { IsRequest: true, Method: RequestMethods.ResourcesList or RequestMethods.CompletionComplete })
        {
            return new AskedFor(exchange.Method, null, default) { IsLocal = true };
        }

        if (!exchange.IsRequest || exchange.ToolName is not { } name)
        {
            return null;
        }

        if (narrowing.IsCompact)
        {
            return compact.Find(name, exchange.Arguments);
        }

        surface.TryFind(name, out var tool);
        return new AskedFor(name, tool, exchange.Arguments);
    }

    private PolicyRefusal? PolicyOf(AskedFor target, ResolvedCaller caller, UrlNarrowing narrowing, string? environment)
    {
        if (target.IsLocal)
        {
            return policy.OfLocal(caller);
        }

        var refusal = policy.OfCall(caller, narrowing, target.Tool, target.Name, environment);
        return refusal?.Form == RefusalForm.UnknownTool && target.Through.Length > 0
            ? CompactSurface.Unknown(target.Name) with
            {
                Reason = refusal.Reason == "UNKNOWN_TOOL" ? "UNKNOWN_OPERATION" : refusal.Reason,
            }
            : refusal;
    }

    /// <summary>True when the refusal is an answer of the tool, which the engine still has to send.</summary>
    private async Task<bool> RefuseAsync(EdgeCall call, UrlNarrowing narrowing, PolicyRefusal refusal)
    {
        var http = call.Exchange.Http;
        call.Error = refusal.Reason;
        // A flood of refusals must not become a flood of waiting audit calls.
        if (refusal.Form is RefusalForm.Unauthorized)
        {
            unknown.Refused(call, refusal.Reason);
        }
        else if (refusal.Status == StatusCodes.Status429TooManyRequests || !policy.MayBeHeard(call.Caller!))
        {
            audit.Later(call, AuditOutcomes.Refused, refusal.Reason);
        }
        else
        {
            await audit.RefusedAsync(call, refusal.Reason);
        }

        switch (refusal.Form)
        {
            case RefusalForm.Unauthorized:
                await Challenge.UnauthorizedAsync(http, endpoint.Value, narrowing.Scopes, refusal.Message);
                return false;
            case RefusalForm.StepUp:
                // Older clients ask for exactly what stands here, so what they have stands here too.
                var scopes = Contracts.Scopes.All.Where(scope => scope == call.Tool!.Scope || call.Caller!.Scopes.Contains(scope));
                await Challenge.InsufficientScopeAsync(http, endpoint.Value, string.Join(' ', scopes), refusal.Message);
                return false;
            case RefusalForm.UnknownTool when call.Exchange.ResourceUri is { } uri:
                await new McpError(StatusCodes.Status200OK, McpError.InvalidParams, "There is no such resource.") { Uri = uri }.WriteAsync(
                    http,
                    call.Exchange.IdElement
                );
                return false;
            case RefusalForm.ToolError when call.Exchange.ResourceUri is null:
                call.Refusal = refusal;
                return true;
            case RefusalForm.UnknownTool:
                await new McpError(StatusCodes.Status200OK, McpError.InvalidParams, refusal.Message).WriteAsync(
                    http,
                    call.Exchange.IdElement
                );
                return false;
            default:
                if (refusal.Status == StatusCodes.Status429TooManyRequests)
                {
                    http.Response.Headers.RetryAfter = "1";
                }

                await new McpError(
                    refusal.Status,
                    McpError.InvalidRequest,
                    $"{refusal.Reason}: {refusal.Message} {refusal.Fix}".TrimEnd()
                ).WriteAsync(http, call.Exchange.IdElement);
                return false;
        }
    }

    private McpServerOptions Handlers(EdgeCall call, Asker asker, UrlNarrowing narrowing) =>
        new()
        {
            ServerInstructions = instructions.For(narrowing),
            Capabilities = _capabilities,
            Handlers = new McpServerHandlers
            {
                ListToolsHandler = (request, _) =>
                {
                    call.Exchange.AnswerWith(
                        narrowing.IsCompact
                            ? compact.List(call.Caller!, narrowing, call.Exchange.IsModern, endpoint.Value.ListPage, request.Params?.Cursor)
                            : surface.List(call.Caller!, narrowing, call.Exchange.IsModern, endpoint.Value.ListPage, request.Params?.Cursor)
                    );
                    return ValueTask.FromResult(new ListToolsResult { Tools = [] });
                },
                ListResourcesHandler = (request, cancellationToken) =>
                    resources.ListAsync(asker, endpoint.Value.ListPage, request.Params?.Cursor, cancellationToken),
                ListResourceTemplatesHandler = (request, _) =>
                    ValueTask.FromResult(resources.Templates(asker, endpoint.Value.ListPage, request.Params?.Cursor)),
                ReadResourceHandler = async (request, cancellationToken) =>
                    call.Tool is not null
                        ? ResourceCatalogue.Text(
                            request.Params.Uri,
                            "application/json",
                            await tools.ReadAsync(call, cancellationToken),
                            TimeSpan.Zero
                        )
                        : resources.Read(request.Params.Uri, call.Caller!, narrowing)
                            ?? throw ToolCaller.NoResource(request.Params.Uri, "There is no such resource."),
                ListPromptsHandler = (request, _) =>
                    ValueTask.FromResult(prompts.List(call.Caller!, narrowing, endpoint.Value.ListPage, request.Params?.Cursor)),
                CompleteHandler = (request, cancellationToken) => completions.CompleteAsync(request.Params, asker, cancellationToken),
                GetPromptHandler = (request, _) => ValueTask.FromResult(prompts.Get(request.Params, call.Caller!, narrowing)),
                CallToolHandler = async (request, cancellationToken) =>
                {
                    if (call.Tool is not null || call.Refusal is not null)
                    {
                        await tools.AnswerAsync(call, request, cancellationToken);
                    }
                    else
                    {
                        call.Exchange.AnswerWith(OperationList.Answer(call, [.. surface.Usable(call.Caller!, narrowing)]));
                    }

                    return _answered;
                },
            },
        };

    private static Task UnavailableAsync(HttpContext http, string problem, McpExchange? exchange = null)
    {
        http.Response.Headers.RetryAfter = "2";
        return new McpError(
            StatusCodes.Status503ServiceUnavailable,
            McpError.InvalidRequest,
            $"UNAVAILABLE: {problem} Try again in a few seconds."
        ).WriteAsync(http, exchange?.IdElement ?? default);
    }

    private sealed record Admission(Credential Credential, UrlNarrowing Narrowing);
}
