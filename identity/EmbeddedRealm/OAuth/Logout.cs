using Microsoft.AspNetCore.WebUtilities;
using Platform.Identity.EmbeddedRealm.Tokens;

namespace Platform.Identity.EmbeddedRealm.OAuth;

/// <summary>
/// Ends a session: for a browser that shows an ID token or confirms (OpenID Connect RP-Initiated Logout), or for a client that shows its
/// refresh token.
/// </summary>
internal static class Logout
{
    public static async ValueTask<Answer> End(RealmRequest request)
    {
        var realm = request.Realm;
        if (request.Field("refresh_token") is { } refresh)
        {
            return await EndForClientAsync(request, refresh);
        }

        var token = request.Parameter("id_token_hint") is { } hint
            ? await TokenIssuer.ReadAsync(realm, hint, "ID", alsoExpired: true)
            : null;
        if (request.Parameter("id_token_hint") is not null && token is null)
        {
            return Pages.Problem(realm, "Invalid parameter: id_token_hint");
        }

        var client = realm.FindClient(token is null ? request.Parameter("client_id") : TokenIssuer.Text(token, "azp"));
        var redirect = request.Parameter("post_logout_redirect_uri");
        if (redirect is not null && (client is null || !RedirectUris.IsAllowed(client, redirect)))
        {
            return Pages.Problem(realm, "Invalid redirect uri");
        }

        var session = await Authorization.SessionAsync(request);
        // Without a token of this very session, any page could log people out by a link.
        var isMeant = token is not null && (session is null || TokenIssuer.Text(token, "sid") == session.Id);
        if (!isMeant && request.Field("confirm") is null)
        {
            return Pages.ConfirmLogout(realm);
        }

        if ((token is null ? session?.Id : TokenIssuer.Text(token, "sid")) is { } id)
        {
            EndSession(request, id, client?.ClientId);
        }

        Authorization.ForgetBrowser(request);
        if (redirect is null)
        {
            return Pages.Message(realm, "You are logged out", "You can close this page.");
        }

        return Answer.Redirect(request.Parameter("state") is { } state ? QueryHelpers.AddQueryString(redirect, "state", state) : redirect);
    }

    private static async Task<Answer> EndForClientAsync(RealmRequest request, string refresh)
    {
        var realm = request.Realm;
        if (ClientAuthentication.Find(request, out var refusal) is not { } client)
        {
            return refusal;
        }

        Cors.Allow(request, client);
        if (
            await TokenIssuer.OpenAsync(realm, refresh, "Refresh", "Offline") is not { } token
            || TokenIssuer.Text(token, "azp") != client.ClientId
        )
        {
            return Answer.Error(400, "invalid_grant", "Invalid refresh token");
        }

        if (TokenEndpoint.FindGrant(realm, token) is { } grant)
        {
            if (grant.IsOffline)
            {
                realm.State.Grants.Remove(grant);
            }

            EndSession(request, grant.SessionId, client.ClientId);
        }
        return Answer.NoContent;
    }

    private static void EndSession(RealmRequest request, string id, string? clientId)
    {
        var user = request.Realm.FindSession(id)?.UserId ?? request.Realm.State.Grants.Find(grant => grant.SessionId == id)?.UserId;
        request.Realm.EndSession(id, offlineToo: false);
        request.Realm.Record("LOGOUT", clientId, request.Address, user, id);
    }
}
