using Google.Protobuf.WellKnownTypes;
using Platform.Contracts;
using Platform.Identity.Contracts;
using Platform.Identity.Service.AccessTokens;
using Platform.Identity.Service.Keycloak;
using Platform.ServiceDefaults.State;

namespace Platform.Identity.Service.Governance;

/// <summary>The clients that the caller has agreed to.</summary>
internal static class ConnectedAppApi
{
    public static async Task<IResult> ListAsync(HttpContext http, KeycloakUsers users)
    {
        var consents = await users.ListConsentsAsync(http.Caller().Token.Subject, http.RequestAborted);
        return Results.Json(new
        {
            connectedApps = consents.Select(consent => new
            {
                clientId = (string)consent!["clientId"]!,
                scopes = (consent["grantedClientScopes"]?.AsArray() ?? []).Select(scope => (string)scope!).Order(StringComparer.Ordinal),
                connectedAt = Time(consent["createdDate"]),
                changedAt = Time(consent["lastUpdatedDate"]),
            }),
        }, GovernanceApi.Json);
    }

    /// <summary>Takes the consent back: refresh tokens die in Keycloak, access tokens by our own record.</summary>
    public static async Task<IResult> RevokeAsync(HttpContext http, UnitOfWork work, KeycloakUsers users, Revocations revocations, TimeProvider time, string client)
    {
        var caller = http.Caller();

        // Ours first: should Keycloak fail, the app is shut out all the same, and the caller tries again.
        await revocations.RevokeGrantAsync(Ids.New().ToString(), caller.Token.Subject, client, time.GetUtcNow(), http.RequestAborted);
        await users.RevokeConsentAsync(caller.Token.Subject, client, http.RequestAborted);
        await work.WriteAsync(caller.ToCall(), tx =>
        {
            tx.Announce(new ConnectedAppRevoked(tx.NewEventId(), caller.WorkspaceId, tx.Now, caller.Membership.MemberId, client), "connected_app.revoked",
                new Target("connected_app", client));
            return Task.FromResult(new Empty());
        }, SessionSettings.Default, http.RequestAborted);
        return Results.NoContent();
    }

    private static DateTimeOffset? Time(System.Text.Json.Nodes.JsonNode? milliseconds) =>
        milliseconds is null ? null : DateTimeOffset.FromUnixTimeMilliseconds((long)milliseconds);
}
