using Platform.Audit.Contracts;
using Platform.Edge.Calls;
using Platform.Edge.Http;

namespace Platform.Edge.Audit;

/// <summary>
/// Records refusals of callers that nobody knows, up to a number per second: whoever can reach the port could fill the log otherwise.
/// What is past it shows in the metric of refusals only.
/// </summary>
internal sealed class UnknownCallers(CallAudit audit, TimeProvider time)
{
    private const int PerSecond = 20;

    private readonly Lock _counting = new();
    private long _second;
    private int _count;

    public void Refused(HttpContext http, string reason) =>
        Refused(
            new EdgeCall
            {
                Exchange = McpExchange.Unread(http),
                StartedAt = time.GetTimestamp(),
                OccurredAt = time.GetUtcNow(),
                TraceParent = System.Diagnostics.Activity.Current?.Id,
            },
            reason
        );

    public void Refused(EdgeCall call, string reason)
    {
        lock (_counting)
        {
            var second = time.GetUtcNow().ToUnixTimeSeconds();
            if (second != _second)
            {
                (_second, _count) = (second, 0);
            }

            if (++_count > PerSecond)
            {
                return;
            }
        }
        audit.Later(call, AuditOutcomes.Refused, reason);
    }
}
