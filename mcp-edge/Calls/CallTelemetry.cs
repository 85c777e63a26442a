using System.Collections.Frozen;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using ModelContextProtocol.Protocol;
using Platform.Edge.Http;
using Platform.ServiceDefaults.Telemetry;

namespace Platform.Edge.Calls;

/// <summary>Names the span of a call and measures how long it took, as OpenTelemetry's conventions for MCP name them.</summary>
internal sealed class CallTelemetry(TimeProvider time)
{
    private const int MaxTraceParent = 100;

    // Until the message is read.
    private const string SpanName = "mcp message";

    private static readonly Histogram<double> _duration = PlatformMeter.Instance.CreateHistogram<double>(
        "mcp.server.operation.duration",
        "s",
        "From a request to its answer, by method, tool and, where it failed, reason."
    );

    // A client may send any method name. Only known ones become tags, so that nobody can fill the metrics.
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

    /// <summary>
    /// Where a client tells its trace in the metadata of a message and not in a header, a span in that trace, to last until the message is
    /// answered: what services do, and the events of it, belong there. Null where the span of the request serves.
    /// </summary>
    public static Activity? Follow(McpExchange exchange)
    {
        if (
            exchange.MetaText("traceparent"u8) is not { Length: <= MaxTraceParent } given
            || !ActivityContext.TryParse(given, traceState: null, isRemote: true, out var parent)
            || parent.TraceId == Activity.Current?.TraceId
        )
        {
            return null;
        }

        ActivityLink[] request = Activity.Current is { } current ? [new ActivityLink(current.Context)] : [];
        return PlatformActivity.Source.StartActivity(SpanName, ActivityKind.Server, parent, links: request)
            // Nobody collects spans, and the trace goes on all the same.
            ?? new Activity(SpanName).SetParentId(parent.TraceId, parent.SpanId, parent.TraceFlags).Start();
    }

    public static void Opened(EdgeCall call)
    {
        if (Activity.Current is not { IsAllDataRequested: true } span)
        {
            return;
        }

        var method = MethodOf(call);
        span.DisplayName = call.Tool is { } tool ? $"{method} {tool.Name}" : method;
        foreach (var (name, value) in Tags(call))
        {
            span.SetTag(name, value);
        }
    }

    public void Closed(EdgeCall call) => _duration.Record(time.GetElapsedTime(call.StartedAt).TotalSeconds, Tags(call));

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
}
