using Platform.Identity.Service.Callers;
using Platform.Identity.Service.Keycloak;
using Platform.ServiceDefaults;
using Platform.ServiceDefaults.State;

namespace Platform.Identity.Service.Whoami;

/// <summary>The toolset <c>workspace</c>, as far as it is identity's. One file per rpc.</summary>
internal sealed partial class WorkspaceService(
    UnitOfWork work, MemberDirectory directory, ConnectedApps.ConnectedApps apps, ILogger<WorkspaceService> log) : Contracts.V1.Workspace.WorkspaceBase
{
    private async Task<T> AskRealmAsync<T>(Func<Task<T>> ask)
    {
        try
        {
            return await ask();
        }
        catch (KeycloakUnavailableException exception)
        {
            LogAway(exception);
            throw Problem.Unavailable("The sign-in server");
        }
    }

    [LoggerMessage(4061, LogLevel.Warning, "The connected apps of a member could not be asked for because Keycloak does not answer")]
    private partial void LogAway(Exception exception);
}
