using System.Collections.Concurrent;
using Platform.Audit.Contracts;
using Platform.Edge.Calls;
using Platform.Edge.Http;

namespace Platform.Edge.Audit;

/// <summary>
/// Counts what happens to callers that nobody knows, or that nobody could be asked about: whoever can reach the port could fill the log
/// otherwise. The metric of refusals has all of them; the log has one record a minute for each reason, with how many there were before it.
/// </summary>
internal sealed class UnknownCallers(CallAudit audit, TimeProvider time)
{
    private static readonly TimeSpan _every = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<(string Outcome, string Reason), Tally> _tallies = new();

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

    public void Refused(EdgeCall call, string reason) => Count(call, AuditOutcomes.Refused, reason);

    /// <summary>Who calls could not be found out: that is nobody's refusal.</summary>
    public void Failed(EdgeCall call, string reason) => Count(call, AuditOutcomes.Failed, reason);

    private void Count(EdgeCall call, string outcome, string reason)
    {
        if (_tallies.GetOrAdd((outcome, reason), static _ => new Tally()).IsDue(time.GetUtcNow(), _every, out var before))
        {
            call.AlikeBefore = before;
            audit.Later(call, outcome, reason);
        }
        else
        {
            CallAudit.Count(outcome, reason);
        }
    }

    private sealed class Tally
    {
        private readonly Lock _counting = new();
        private DateTimeOffset _due = DateTimeOffset.MinValue;
        private int _count;

        public bool IsDue(DateTimeOffset now, TimeSpan every, out int before)
        {
            lock (_counting)
            {
                before = _count;
                if (now < _due)
                {
                    _count++;
                    return false;
                }

                (_due, _count) = (now + every, 0);
                return true;
            }
        }
    }
}
