using Platform.Contracts;
using Platform.Identity.Service.AccessTokens;
using Platform.Identity.Service.Keycloak;
using Platform.ServiceDefaults;

namespace Platform.Identity.Service.Governance;

/// <summary>The caller's sign-ins.</summary>
internal static class SessionApi
{
    /// <summary>Ends one of them: what it was given is refused from now on.</summary>
    public static async Task<IResult> EndAsync(HttpContext http, KeycloakUsers users, Revocations revocations, string session)
    {
        var caller = http.Caller();
        var own = caller.Token.Session == session
            || (await users.ListSessionsAsync(caller.Token.Subject, http.RequestAborted)).Any(found => (string?)found!["id"] == session);
        if (!own)
        {
            throw Problem.NotFound("session", session);
        }

        await revocations.RevokeSessionAsync(Ids.New().ToString(), session, http.RequestAborted);
        await users.EndSessionAsync(session, http.RequestAborted);
        return Results.NoContent();
    }
}
