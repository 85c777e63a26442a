using Platform.Audit.Contracts;
using Platform.Contracts;
using Platform.Edge.Access;
using Platform.Edge.Calls;

namespace Platform.Edge.Audit;

/// <summary>Records that a call was refused before it reached a service.</summary>
internal sealed class RefusalRecorder(CallAudit audit, UnknownCallers unknown, Policy policy)
{
    // A flood of refusals must not become a flood of calls that wait for audit: past a rate they are recorded in passing.
    public async ValueTask RecordAsync(EdgeCall call, PolicyRefusal refusal)
    {
        call.Error = refusal.Reason;
        if (refusal.Form == RefusalForm.Unauthorized)
        {
            unknown.Refused(call, refusal.Reason);
        }
        else if (call.Caller is null && refusal.Reason == Reasons.Unavailable)
        {
            unknown.Failed(call, refusal.Reason);
        }
        else if (refusal.RetryAfter > 0 || !policy.MayBeHeard(call.Caller!))
        {
            audit.Later(call, AuditOutcomes.Refused, refusal.Reason);
        }
        else
        {
            await audit.RefusedAsync(call, refusal.Reason);
        }
    }
}
