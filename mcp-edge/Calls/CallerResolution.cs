using Platform.Edge.Access;
using Platform.Edge.Callers;

namespace Platform.Edge.Calls;

/// <summary>Finds out who calls, in the environment that the call goes to.</summary>
internal sealed class CallerResolution(CallerCache callers)
{
    /// <summary>Null when the call has its caller, whom identity may have refused all the same.</summary>
    public async ValueTask<PolicyRefusal?> ResolveAsync(EdgeCall call, Admission admission, CancellationToken cancellationToken)
    {
        var (credential, narrowing) = admission;
        var isLimited = narrowing.Environment.Length > 0;
        var environment = isLimited ? narrowing.Environment : call.Environment ?? "";
        try
        {
            call.Caller = await callers.GetAsync(credential, narrowing.Workspace, environment, isLimited, cancellationToken);
            return null;
        }
        catch (IdentityUnavailableException exception)
        {
            return PolicyRefusal.Unavailable(exception.Message);
        }
    }
}
