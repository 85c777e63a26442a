using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Platform.Identity.EmbeddedRealm.State;

namespace Platform.Identity.EmbeddedRealm.Tokens;

/// <summary>Makes and reads the realm's tokens.</summary>
internal static class TokenIssuer
{
    private static readonly JsonWebTokenHandler s_handler = new() { MapInboundClaims = false, SetDefaultTimesOnTokenCreation = false };

    /// <summary>An access token; with a grant, also its next refresh token and, for <c>openid</c>, an ID token.</summary>
    /// <param name="scopes">Those that the access token holds: the grant's, or fewer.</param>
    public static JsonObject Issue(ServedRealm realm, User user, Client client, HashSet<string> scopes, Grant? grant, string? nonce = null)
    {
        var lifespan = realm.Seconds("accessTokenLifespan", 300);
        var subject = new TokenSubject(realm, user, client, scopes, grant?.Signed);
        var spoken = string.Join(
            ' ',
            scopes.Where(scope => scope == "openid" || realm.FindScope(scope)?["attributes"]?["include.in.token.scope"].IsTrue() != false)
        );
        var access = Claims(realm, "Bearer", lifespan);
        access["azp"] = client.ClientId;
        access["scope"] = spoken;
        if (grant is not null)
        {
            access["sid"] = grant.SessionId;
        }

        ProtocolMappers.Apply(subject, TokenKind.Access, access);

        var key = SigningKeys.Active(realm.State);
        var accessToken = Sign(access, SigningKeys.Private(key));
        var answer = new JsonObject
        {
            ["access_token"] = accessToken,
            ["expires_in"] = (int)lifespan.TotalSeconds,
            ["token_type"] = "Bearer",
            ["not-before-policy"] = 0,
            ["scope"] = spoken,
        };
        if (grant is null)
        {
            return answer;
        }

        answer["session_state"] = grant.SessionId;
        answer["refresh_token"] = NextRefreshToken(realm, grant, out var refreshLifespan);
        answer["refresh_expires_in"] = (int)refreshLifespan.TotalSeconds;
        if (scopes.Contains("openid"))
        {
            var id = Claims(realm, "ID", lifespan);
            id["aud"] = client.ClientId;
            id["azp"] = client.ClientId;
            id["sub"] = user.Id;
            id["sid"] = grant.SessionId;
            id["at_hash"] = Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(accessToken)).AsSpan(0, 16));
            if (nonce is not null)
            {
                id["nonce"] = nonce;
            }

            ProtocolMappers.Apply(subject, TokenKind.Id, id);
            answer["id_token"] = Sign(id, SigningKeys.Private(key));
        }
        return answer;
    }

    /// <summary>What an access or ID token of this realm says; null when it is not one, or is over.</summary>
    public static async Task<JsonWebToken?> ReadAsync(ServedRealm realm, string token, string type, bool alsoExpired = false)
    {
        var keys = realm.State.Keys.Select(SigningKeys.Private).ToList<SecurityKey>();
        var result = await s_handler.ValidateTokenAsync(token, Parameters(realm, keys, SecurityAlgorithms.RsaSha256, alsoExpired));
        return result.IsValid && result.SecurityToken is JsonWebToken jwt && Text(jwt, "typ") == type ? jwt : null;
    }

    /// <summary>A token that the realm alone reads: a refresh token, or the browser's session.</summary>
    public static string Seal(ServedRealm realm, JsonObject claims) =>
        Sign(claims, new SymmetricSecurityKey(realm.State.OwnKey) { KeyId = "own" });

    public static async Task<JsonWebToken?> OpenAsync(ServedRealm realm, string? token, params string[] types)
    {
        if (string.IsNullOrEmpty(token) || !s_handler.CanReadToken(token))
        {
            return null;
        }

        var key = new SymmetricSecurityKey(realm.State.OwnKey) { KeyId = "own" };
        var result = await s_handler.ValidateTokenAsync(token, Parameters(realm, [key], SecurityAlgorithms.HmacSha512, alsoExpired: false));
        return result.IsValid && result.SecurityToken is JsonWebToken jwt && types.Contains(Text(jwt, "typ")) ? jwt : null;
    }

    public static string? Text(JsonWebToken token, string claim) => token.TryGetPayloadValue<string>(claim, out var value) ? value : null;

    public static JsonObject Claims(ServedRealm realm, string type, TimeSpan lifespan) =>
        new()
        {
            ["iss"] = realm.Issuer,
            ["typ"] = type,
            ["jti"] = Guid.NewGuid().ToString(),
            ["iat"] = realm.Now.ToUnixTimeSeconds(),
            ["exp"] = (realm.Now + lifespan).ToUnixTimeSeconds(),
        };

    /// <summary>Makes the one before it worthless.</summary>
    private static string NextRefreshToken(ServedRealm realm, Grant grant, out TimeSpan lifespan)
    {
        lifespan = realm.Seconds(grant.IsOffline ? "offlineSessionIdleTimeout" : "ssoSessionIdleTimeout", 1800);
        var claims = Claims(realm, grant.IsOffline ? "Offline" : "Refresh", lifespan);
        claims["aud"] = realm.Issuer;
        claims["sub"] = grant.UserId;
        claims["azp"] = grant.ClientId;
        claims["sid"] = grant.SessionId;
        claims["grant"] = grant.Id;
        grant.Current = (string)claims["jti"]!;
        grant.LastUsed = realm.Now;
        realm.Changed();
        return Seal(realm, claims);
    }

    private static string Sign(JsonObject claims, SecurityKey key) =>
        s_handler.CreateToken(
            claims.ToJsonString(),
            new SigningCredentials(key, key is SymmetricSecurityKey ? SecurityAlgorithms.HmacSha512 : SecurityAlgorithms.RsaSha256)
        );

    private static TokenValidationParameters Parameters(
        ServedRealm realm,
        IReadOnlyList<SecurityKey> keys,
        string algorithm,
        bool alsoExpired
    ) =>
        new()
        {
            ValidateIssuer = false, // The address may be another after a restart; the keys are this realm's alone.
            ValidateAudience = false,
            ValidAlgorithms = [algorithm],
            IssuerSigningKeys = keys,
            RequireSignedTokens = true,
            RequireExpirationTime = true,
            ValidateLifetime = !alsoExpired,
            LifetimeValidator = (_, expires, _, _) => alsoExpired || expires > realm.Now.UtcDateTime,
        };
}
