using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Microsoft.IdentityModel.JsonWebTokens;
using Platform.Identity.EmbeddedRealm.State;
using Platform.Identity.EmbeddedRealm.Tokens;

namespace Platform.Identity.EmbeddedRealm.OAuth;

/// <summary>Codes, refresh tokens and client secrets against access tokens. A password alone gives none.</summary>
internal static class TokenEndpoint
{
    public static async ValueTask<Answer> Issue(RealmRequest request)
    {
        if (request.Repeated() is { } twice)
        {
            return Answer.Error(400, "invalid_request", $"The parameter {twice} is there twice.");
        }

        if (ClientAuthentication.Find(request, out var refusal) is not { } client)
        {
            request.Realm.Record("CLIENT_LOGIN_ERROR", request.Field("client_id"), request.Address, error: "invalid_client_credentials");
            return refusal;
        }
        Cors.Allow(request, client);
        return request.Field("grant_type") switch
        {
            "authorization_code" => Exchange(request, client),
            "refresh_token" => await RefreshAsync(request, client),
            "client_credentials" => ForItself(request, client),
            "password" => Answer.Error(400, "unauthorized_client", "Client not allowed for direct access grants"),
            null => Answer.Error(400, "invalid_request", "Missing form parameter: grant_type"),
            _ => Answer.Error(400, "unsupported_grant_type", "Unsupported grant_type"),
        };
    }

    private static Answer Exchange(RealmRequest request, Client client)
    {
        var realm = request.Realm;
        if (realm.Codes.Find(request.Field("code")) is not { } code || code.Request.Client.ClientId != client.ClientId)
        {
            return Fail("Code not valid");
        }

        if (code.GrantId is { } given)
        {
            // Somebody else has the code: the tokens it was exchanged for are revoked (RFC 6749, section 4.1.2).
            realm.State.Grants.RemoveAll(grant => grant.Id == given);
            realm.Changed();
            return Fail("Code already used", code.Session.Id);
        }
        code.GrantId = Guid.NewGuid().ToString();
        if (
            realm.Now >= code.Expires
            || realm.FindSession(code.Session.Id) is not { } session
            || realm.FindUser(code.UserId) is not { Enabled: true } user
        )
        {
            return Fail("Code not valid");
        }

        if (request.Field("redirect_uri") != code.Request.RedirectUri)
        {
            return Fail("Incorrect redirect_uri");
        }

        if (!IsVerified(code.Request.CodeChallenge, request.Field("code_verifier")))
        {
            return Fail("PKCE verification failed: Code mismatch");
        }

        var isOffline = code.Request.Scopes.Contains("offline_access");
        if (isOffline && !Roles.Visible(realm, user, client, code.Request.Scopes).Contains("offline_access"))
        {
            return Answer.Error(400, "not_allowed", "Offline tokens not allowed for the user or client");
        }

        var grant = new Grant
        {
            Id = code.GrantId,
            SessionId = session.Id,
            UserId = user.Id,
            ClientId = client.ClientId,
            Scopes = code.Request.Scopes,
            IsOffline = isOffline,
            Started = realm.Now,
            Signed = session.Signed,
            LastUsed = realm.Now,
        };
        realm.State.Grants.Add(grant);
        realm.Record("CODE_TO_TOKEN", client.ClientId, request.Address, user.Id, session.Id);
        return Answer.Json(TokenIssuer.Issue(realm, user, client, grant.Scopes, grant, code.Request.Nonce));

        // With the session only where what came of the code was taken back, as Keycloak tells it.
        Answer Fail(string why, string? session = null)
        {
            realm.Record(
                "CODE_TO_TOKEN_ERROR",
                client.ClientId,
                request.Address,
                sessionId: session,
                error: "invalid_code",
                details: ("reason", why)
            );
            return Answer.Error(400, "invalid_grant", why);
        }
    }

    private static async Task<Answer> RefreshAsync(RealmRequest request, Client client)
    {
        var realm = request.Realm;
        if (
            await TokenIssuer.OpenAsync(realm, request.Field("refresh_token"), "Refresh", "Offline") is not { } token
            || TokenIssuer.Text(token, "azp") != client.ClientId
        )
        {
            return Fail("Invalid refresh token");
        }

        if (FindGrant(realm, token) is not { } grant || realm.FindUser(grant.UserId) is not { } user)
        {
            return Fail("Session not active");
        }

        if (!user.Enabled)
        {
            return Fail("User disabled");
        }

        if (user.NotBefore is { } notBefore && token.IssuedAt < notBefore.UtcDateTime)
        {
            return Fail("Stale token");
        }

        if (realm.IsOn("revokeRefreshToken") && TokenIssuer.Text(token, "jti") != grant.Current)
        {
            // One of the two who hold it is not the client. Nobody can tell which, so both are out.
            realm.EndSession(grant.SessionId, offlineToo: true);
            return Fail("Maximum allowed refresh token reuse exceeded", grant.SessionId);
        }
        var scopes = grant.Scopes;
        if (request.Field("scope") is { Length: > 0 } fewer)
        {
            scopes = [.. client.DefaultScopes.Intersect(grant.Scopes), .. Scopes.Split(fewer)];
            if (!scopes.IsSubsetOf(grant.Scopes))
            {
                return Answer.Error(400, "invalid_scope", "The scopes go beyond what was granted.");
            }
        }
        if (realm.FindSession(grant.SessionId) is { } session)
        {
            session.LastUsed = realm.Now;
        }

        realm.Record("REFRESH_TOKEN", client.ClientId, request.Address, user.Id, grant.SessionId);
        return Answer.Json(TokenIssuer.Issue(realm, user, client, scopes, grant));

        Answer Fail(string why, string? session = null)
        {
            realm.Record(
                "REFRESH_TOKEN_ERROR",
                client.ClientId,
                request.Address,
                sessionId: session,
                error: "invalid_token",
                details: ("reason", why)
            );
            return Answer.Error(400, "invalid_grant", why);
        }
    }

    private static Answer ForItself(RealmRequest request, Client client)
    {
        var realm = request.Realm;
        if (client.IsPublic || !client.ServiceAccount)
        {
            return Answer.Error(401, "unauthorized_client", "Client not enabled to retrieve service account");
        }

        var scopes = Scopes.Split(request.Field("scope"));
        if (Scopes.Unknown(client, scopes) is { } unknown)
        {
            return Answer.Error(400, "invalid_scope", $"Invalid scopes: {unknown}");
        }

        scopes.UnionWith(client.DefaultScopes);
        var account = RealmImport.ServiceAccountOf(realm.State, client, realm.Name, realm.Now);
        realm.Changed();
        realm.Record("CLIENT_LOGIN", client.ClientId, request.Address, account.Id);
        return Answer.Json(TokenIssuer.Issue(realm, account, client, scopes, null));
    }

    public static Grant? FindGrant(ServedRealm realm, JsonWebToken refreshToken) =>
        realm.FindGrant(TokenIssuer.Text(refreshToken, "grant") ?? "");

    private static bool IsVerified(string? challenge, string? verifier) =>
        challenge is null
            ? verifier is null
            : verifier is { Length: >= 43 and <= 128 }
                && CryptographicOperations.FixedTimeEquals(
                    Encoding.ASCII.GetBytes(challenge),
                    Encoding.ASCII.GetBytes(Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(verifier))))
                );
}
