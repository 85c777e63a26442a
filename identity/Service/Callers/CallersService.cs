using Grpc.Core;
using Platform.Identity.Contracts.V1;
using Platform.Identity.Service.AccessTokens;
using Platform.Identity.Service.Assertions;
using Platform.Identity.Service.Keycloak;
using Platform.Identity.Service.PersonalTokens;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Identity.Service.Callers;

/// <summary>Turns credentials into caller assertions. One file per rpc.</summary>
[ServicesOnly("edge")]
internal sealed partial class CallersService(
    AccessTokenValidator accessTokens,
    PersonalTokenFinder personalTokens,
    MemberDirectory directory,
    AssertionIssuer assertions,
    UnitOfWork work,
    LastUse lastUse,
    ServiceSecrets secrets,
    EdgeAudience edge,
    TimeProvider time,
    ILogger<CallersService> log
) : Contracts.V1.Callers.CallersBase
{
    public override async Task<ResolveCallerResponse> ResolveCaller(ResolveCallerRequest request, ServerCallContext context)
    {
        try
        {
            return await ResolveAsync(request, context.CancellationToken);
        }
        catch (KeycloakUnavailableException exception)
        {
            LogKeycloakAway(exception);
            throw ServiceDefaults.Calls.Problem.Unavailable("The sign-in server");
        }
    }

    [LoggerMessage(4011, LogLevel.Warning, "A caller could not be resolved because Keycloak does not answer")]
    private partial void LogKeycloakAway(Exception exception);
}
