using Google.Protobuf.WellKnownTypes;
using Platform.Contracts;
using Platform.Identity.Contracts;
using Platform.Identity.Service.AccessTokens;
using Platform.Identity.Service.Keycloak;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Identity.Service.Governance;

/// <summary>The caller's sign-ins.</summary>
internal static class SessionApi
{
    /// <summary>
    /// Ends one of them: what it was given is refused from now on. Sessions belong to people, so every workspace of the caller records it.
    /// </summary>
    public static async Task<IResult> EndAsync(
        HttpContext http,
        UnitOfWork work,
        KeycloakUsers users,
        Revocations revocations,
        string session
    )
    {
        var caller = http.Caller();
        var own =
            caller.Token.Session == session
            || (await users.ListSessionsAsync(caller.Token.Subject, http.RequestAborted)).Any(found => (string?)found!["id"] == session);
        if (!own)
        {
            throw Problem.NotFound("session", session);
        }

        await revocations.RevokeSessionAsync(Ids.New().ToString(), session, http.RequestAborted);
        foreach (var membership in caller.Memberships)
        {
            await RecordAsync(work, caller with { Member = membership }, session, http.RequestAborted);
        }

        // Last: should the realm fail, the session is shut out and on record, and the caller tries again.
        await users.EndSessionAsync(session, http.RequestAborted);
        return Results.NoContent();
    }

    private static async Task RecordAsync(UnitOfWork work, GovernanceCaller caller, string session, CancellationToken cancellationToken) =>
        await work.WriteAsync(
            caller.ToCall(),
            tx =>
            {
                tx.Announce(
                    new SessionEnded(tx.NewEventId(), caller.WorkspaceId, tx.Now, caller.Membership.MemberId, session),
                    "session.ended",
                    new Target("session", session)
                );
                return Task.FromResult(new Empty());
            },
            SessionSettings.Default,
            cancellationToken
        );
}
