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
        // A message that broke a rule of the protocol is told so in the words of the protocol, without a reason of ours.
        var reason = refusal.Reason.Length > 0 ? refusal.Reason : Reasons.InvalidArgument;
        call.Error = reason;
        // Whoever has an account and no workspace is a stranger here, like somebody without a token.
        if (refusal.Form == RefusalForm.Unauthorized || call.Caller is { Caller.WorkspaceId: "" })
        {
            unknown.Refused(call, reason);
        }
        else if (call.Caller is null && reason == Reasons.Unavailable)
        {
            unknown.Failed(call, reason);
        }
        else if (refusal.RetryAfter > 0 || !policy.MayBeHeard(call.Caller!))
        {
            audit.Later(call, AuditOutcomes.Refused, reason);
        }
        else
        {
            await audit.RefusedAsync(call, reason);
        }
    }
}
