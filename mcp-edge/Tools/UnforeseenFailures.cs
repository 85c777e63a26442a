using Platform.Contracts;
using Platform.Edge.Calls;

namespace Platform.Edge.Tools;

/// <summary>Handles exceptions that nobody foresaw: the log keeps them, and the client reads the trace id to find them by.</summary>
internal sealed partial class UnforeseenFailures(ILogger<UnforeseenFailures> log)
{
    public Failure Explain(EdgeCall call, Exception exception)
    {
        call.Error = Reasons.Internal;
        LogUnforeseen(exception, call.Tool?.Name ?? call.Exchange.Method, call.TraceId);
        return call.MayHaveHappened ? Failure.OutcomeUnknown(call) : Failure.Unforeseen;
    }

    [LoggerMessage(2001, LogLevel.Error, "{Name} failed in the edge (trace {TraceId})")]
    private partial void LogUnforeseen(Exception exception, string name, string traceId);
}
