using Microsoft.Extensions.Options;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;
using Platform.Edge.Access;
using Platform.Edge.Audit;
using Platform.Edge.Calls;
using Platform.Edge.Catalogue;
using Platform.Edge.Compact;
using Platform.Edge.Completions;
using Platform.Edge.Http;
using Platform.Edge.Lookups;
using Platform.Edge.Prompts;
using Platform.Edge.Resources;
using Platform.Edge.Tools;

namespace Platform.Edge;

/// <summary>Answers a message that may go on, by its method.</summary>
internal sealed class MethodHandlers(
    ToolSurface surface,
    CompactSurface compact,
    ResourceCatalogue resources,
    PromptCatalogue prompts,
    CompletionCatalogue completions,
    ToolCaller tools,
    ToolReader reader,
    Instructions instructions,
    RefusalRecorder refusals,
    IOptions<McpEndpointOptions> endpoint
)
{
    private static readonly ServerCapabilities _capabilities = new()
    {
        Tools = new(),
        Resources = new(),
        Prompts = new(),
        Completions = new(),
    };

#pragma warning disable MCP9005 // Clients of the older era may set a level, and no message is ever below it.
    private static readonly ServerCapabilities _olderCapabilities = new()
    {
        Tools = new(),
        Resources = new(),
        Prompts = new(),
        Completions = new(),
        Logging = new(),
    };
#pragma warning restore MCP9005

    // Say that the handler is done; the exchange has its answer.
    private static readonly CallToolResult _answered = new() { Content = [] };
    private static readonly ListToolsResult _listed = new() { Tools = [] };

    private readonly int _page = endpoint.Value.ListPage;

    public McpServerOptions For(EdgeCall call, Admission admission)
    {
        var asker = new Asker(call, admission.Credential, admission.Narrowing);
        return new()
        {
            ServerInstructions = instructions.For(asker.Narrowing),
            Capabilities = call.Exchange.IsModern ? _capabilities : _olderCapabilities,
            Handlers = call.Exchange.Method == RequestMethods.ToolsCall ? OfCall(asker) : OfAll(asker),
        };
    }

    private McpServerHandlers OfCall(Asker asker) =>
        new() { CallToolHandler = (request, cancellationToken) => CallToolAsync(asker, request, cancellationToken) };

    private McpServerHandlers OfAll(Asker asker) =>
        new()
        {
            ListToolsHandler = (request, _) => ValueTask.FromResult(ListTools(asker, request.Params?.Cursor)),
            ListResourcesHandler = (request, cancellationToken) =>
                resources.ListAsync(asker, _page, request.Params?.Cursor, cancellationToken),
            ListResourceTemplatesHandler = (request, _) => ValueTask.FromResult(resources.Templates(asker, _page, request.Params?.Cursor)),
            ReadResourceHandler = (request, cancellationToken) => ReadResourceAsync(asker, request.Params.Uri, cancellationToken),
            ListPromptsHandler = (request, _) =>
                ValueTask.FromResult(prompts.List(asker.Caller, asker.Narrowing, _page, request.Params?.Cursor)),
            GetPromptHandler = (request, _) => ValueTask.FromResult(prompts.Get(request.Params, asker.Caller, asker.Narrowing)),
            CompleteHandler = (request, cancellationToken) => completions.CompleteAsync(request.Params, asker, cancellationToken),
        };

    private ListToolsResult ListTools(Asker asker, string? cursor)
    {
        var exchange = asker.Call.Exchange;
        exchange.AnswerWith(
            asker.Narrowing.ShowsOperations
                ? compact.List(asker.Caller, asker.Narrowing, exchange.IsModern, _page, cursor)
                : surface.List(asker.Caller, asker.Narrowing, exchange.IsModern, _page, cursor)
        );
        return _listed;
    }

    private async ValueTask<CallToolResult> CallToolAsync(
        Asker asker,
        RequestContext<CallToolRequestParams> request,
        CancellationToken cancellationToken
    )
    {
        var call = asker.Call;
        if (call.Tool is not null)
        {
            await tools.AnswerAsync(call, request, cancellationToken);
        }
        else
        {
            await ListOperationsAsync(asker);
        }

        return _answered;
    }

    private async ValueTask ListOperationsAsync(Asker asker)
    {
        var call = asker.Call;
        var (answer, refusal) = OperationList.Answer(call, [.. surface.Usable(asker.Caller, asker.Narrowing)]);
        if (refusal is not null)
        {
            await refusals.RecordAsync(call, refusal);
            ToolAnswers.Refuse(call, refusal);
            return;
        }

        call.Exchange.AnswerWith(answer!);
    }

    private async ValueTask<ReadResourceResult> ReadResourceAsync(Asker asker, string uri, CancellationToken cancellationToken) =>
        asker.Call.Tool is not null
            ? ResourceCatalogue.Text(uri, "application/json", await reader.ReadAsync(asker.Call, cancellationToken), TimeSpan.Zero)
            : resources.Read(uri, asker.Caller, asker.Narrowing) ?? throw ToolReader.NoResource(uri, "There is no such resource.");
}
