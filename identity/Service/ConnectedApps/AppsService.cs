using Platform.Identity.Service.Callers;
using Platform.Identity.Service.Keycloak;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Identity.Service.ConnectedApps;

/// <summary>The toolset <c>apps</c>. One file per rpc.</summary>
internal sealed partial class AppsService(UnitOfWork work, MemberDirectory directory, ConnectedApps apps, ILogger<AppsService> log)
    : Contracts.V1.Apps.AppsBase
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
