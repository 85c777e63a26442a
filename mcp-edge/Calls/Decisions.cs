using Platform.Contracts;
using Platform.Edge.Access;
using Platform.Edge.Catalogue;

namespace Platform.Edge.Calls;

/// <summary>Decides whether a call whose caller is known may go on.</summary>
internal sealed class Decisions(Policy policy)
{
    /// <summary>Null when it may.</summary>
    public PolicyRefusal? Decide(EdgeCall call, AskedFor? target, UrlNarrowing narrowing)
    {
        var modelChoseEnvironment = call.Environment is not null && narrowing.Environment.Length == 0;
        var refusal = Policy.OfIdentity(call.Caller!, narrowing, modelChoseEnvironment)
            ?? (target is null ? null : target.Refusal ?? OfTarget(call, target, narrowing));
        return refusal is not null && call.Exchange.ResourceUri is { } uri ? refusal.OfResource(uri) : refusal;
    }

    private PolicyRefusal? OfTarget(EdgeCall call, AskedFor target, UrlNarrowing narrowing)
    {
        if (target.IsLocal)
        {
            return policy.OfLocal(call.Caller!);
        }

        var refusal = policy.OfCall(call.Caller!, narrowing, target.Tool, target.Name, call.Environment);
        return refusal is { Form: RefusalForm.UnknownTool } && target.Through.Length > 0
            ? PolicyRefusal.UnknownOperation(target.Name, refusal.Reason == Reasons.UnknownTool ? Reasons.UnknownOperation : refusal.Reason)
            : refusal;
    }
}
