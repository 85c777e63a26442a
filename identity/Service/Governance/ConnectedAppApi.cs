using Google.Protobuf.WellKnownTypes;
using Platform.ServiceDefaults.State;

namespace Platform.Identity.Service.Governance;

/// <summary>The clients that the caller has agreed to.</summary>
internal static class ConnectedAppApi
{
    public static async Task<IResult> ListAsync(HttpContext http, ConnectedApps.ConnectedApps apps)
    {
        var caller = http.Caller();
        return Results.Json(
            new { connectedApps = await apps.ListAsync(caller.ToCall(), caller.MemberId, caller.Token.Subject, http.RequestAborted) },
            GovernanceApi.Json
        );
    }

    public static async Task<IResult> RevokeAsync(HttpContext http, UnitOfWork work, ConnectedApps.ConnectedApps apps, string client)
    {
        var caller = http.Caller();
        await work.WriteAsync(
            caller.ToCall(),
            async tx =>
            {
                await apps.RevokeAsync(tx, caller.MemberId, caller.Token.Subject, client, confirmed: true);
                return new Empty();
            },
            SessionSettings.Default,
            http.RequestAborted
        );
        return Results.NoContent();
    }
}
