using System.Diagnostics;
using ModelContextProtocol.Server;
using Platform.Audit.Contracts;
using Platform.Contracts;
using Platform.Edge.Access;
using Platform.Edge.Audit;
using Platform.Edge.Calls;
using Platform.Edge.Http;
using Platform.Edge.Tools;

namespace Platform.Edge;

/// <summary>
/// The way of every message through the edge: admit, read, find the tool, resolve the caller, decide, check the shape, send, record,
/// answer. Each step is a class of its own. A step that says no returns a refusal, and the refusal is written in one place.
/// </summary>
internal sealed class EdgePipeline(
    Admissions admissions,
    TargetFinder targets,
    CallerResolution callers,
    Decisions decisions,
    MethodHandlers methods,
    RefusalRecorder refusals,
    UnknownCallers unknown,
    RefusalWriter writer,
    UnforeseenFailures unforeseen,
    CallTelemetry telemetry,
    TimeProvider time
) : McpApplication
{
    // Admit. The endpoint reads the body of what is admitted, and checks the protocol's rules.
    public override async ValueTask<bool> AdmitAsync(HttpContext http)
    {
        if (await admissions.AdmitAsync(http) is not { } refusal)
        {
            return true;
        }

        if (refusal is { Form: RefusalForm.Unauthorized, Reason: { Length: > 0 } reason })
        {
            unknown.Refused(http, reason);
        }
        else if (refusal is { Form: RefusalForm.Http, Reason: "" })
        {
            CallAudit.Count(AuditOutcomes.Refused, Reasons.InvalidArgument);
        }

        await writer.WriteAsync(http, refusal);
        return false;
    }

    public override Activity? Follow(McpExchange exchange) => CallTelemetry.Follow(exchange);

    public override async ValueTask<McpServerOptions?> OpenAsync(McpExchange exchange)
    {
        var http = exchange.Http;
        var admission = http.Features.Get<Admission>()!;

        // Find the tool.
        var (target, malformed) = targets.Find(exchange, admission.Narrowing);
        var call = EdgeCall.Open(exchange, target, time);
        exchange.State = call;
        CallTelemetry.Opened(call);

        // Resolve the caller, and decide.
        var refusal = await callers.ResolveAsync(call, admission, http.RequestAborted)
            ?? decisions.Decide(call, target, admission.Narrowing)
            ?? malformed;
        if (refusal is not null)
        {
            await refusals.RecordAsync(call, refusal);
            return await writer.AnswerAsync(call, refusal);
        }

        // Check the shape, send, record, answer: what that means depends on the method.
        return methods.For(call, admission);
    }

    internal override void Refused(McpError error) => CallAudit.Count(AuditOutcomes.Refused, ReasonOf(error.Code));

    internal override async ValueTask RefusedAsync(McpExchange exchange, int code)
    {
        // A step that refused by itself has recorded it.
        if (exchange.State is EdgeCall { Error: null } call)
        {
            await refusals.RecordAsync(call, new PolicyRefusal(RefusalForm.Http, ReasonOf(code), ""));
        }
    }

    private static string ReasonOf(int code) =>
        code switch
        {
            McpError.MethodNotFound => Reasons.UnknownMethod,
            _ => Reasons.InvalidArgument,
        };

    public override string Explain(McpExchange exchange, Exception exception)
    {
        var call = exchange.State as EdgeCall ?? EdgeCall.Open(exchange, target: null, time);
        return unforeseen.Explain(call, exception).Text(call);
    }

    public override ValueTask CloseAsync(McpExchange exchange)
    {
        if (exchange.State is EdgeCall call)
        {
            telemetry.Closed(call);
        }

        return ValueTask.CompletedTask;
    }
}
