using System.Text.Json.Nodes;
using Platform.Identity.EmbeddedRealm.Tokens;

namespace Platform.Identity.EmbeddedRealm.OAuth;

/// <summary>Who a token is about (OpenID Connect), for as long as its session lives.</summary>
internal static class UserInfo
{
    public static async ValueTask<Answer> Tell(RealmRequest request)
    {
        var realm = request.Realm;
        var header = (string?)request.Http.Request.Headers.Authorization;
        var text = header?.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) == true ? header[7..] : request.Field("access_token");
        if (text is null || await TokenIssuer.ReadAsync(realm, text, "Bearer") is not { } token)
        {
            return Refuse(request, 401, "invalid_token", "Token verification failed");
        }

        var scopes = Scopes.Split(TokenIssuer.Text(token, "scope"));
        if (!scopes.Contains("openid"))
        {
            return Refuse(request, 403, "insufficient_scope", "Missing openid scope");
        }

        if (
            realm.FindClient(TokenIssuer.Text(token, "azp")) is not { IsEnabled: true } client
            || realm.FindUser(token.Subject ?? "") is not { Enabled: true } user
            || !realm.State.Grants.Exists(grant =>
                grant.SessionId == TokenIssuer.Text(token, "sid")
                && grant.ClientId == client.ClientId
                && realm.FindGrant(grant.Id) is not null
            )
        )
        {
            return Refuse(request, 401, "invalid_token", "Session not active");
        }

        Cors.Allow(request, client);
        var claims = new JsonObject { ["sub"] = user.Id };
        ProtocolMappers.Apply(
            new TokenSubject(realm, user, client, [.. scopes, .. client.DefaultScopes], null),
            TokenKind.UserInfo,
            claims
        );
        return Answer.Json(claims);
    }

    private static Answer Refuse(RealmRequest request, int status, string error, string description)
    {
        request.Http.Response.Headers.WWWAuthenticate =
            $"Bearer realm=\"{request.Realm.Name}\", error=\"{error}\", error_description=\"{description}\"";
        return Answer.Error(status, error, description);
    }
}
