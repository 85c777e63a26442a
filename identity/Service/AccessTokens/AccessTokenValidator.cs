using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Platform.Identity.Contracts;
using Platform.Identity.Service.Keycloak;

namespace Platform.Identity.Service.AccessTokens;

/// <summary>What a genuine access token says.</summary>
/// <param name="Session">Of the person who signed in. A client that acts for itself has none, and its tokens open nothing.</param>
/// <param name="SignedInAt">When the person last proved who they are; null when the token does not say.</param>
internal sealed record AccessToken(
    string Subject,
    string ClientId,
    string Session,
    IReadOnlyCollection<string> Audiences,
    IReadOnlyList<string> Scopes,
    DateTimeOffset IssuedAt,
    DateTimeOffset ExpiresAt,
    DateTimeOffset? SignedInAt
);

internal enum AccessTokenState
{
    /// <summary>Issued by the realm, and not over yet. Its audience is for whoever asks to judge.</summary>
    Genuine,

    /// <summary>Malformed, or of another issuer, or signed by nobody we know.</summary>
    Unknown,

    Expired,
}

/// <summary>
/// Checks that an access token is the realm's: issuer, algorithm, signature, type, expiry, length of life, and the claims we rely on. The
/// edge has checked it as well; identity believes nobody.
/// </summary>
internal sealed class AccessTokenValidator(RealmKeys keys, IOptions<KeycloakOptions> options, TimeProvider time)
{
    private const int MaxLength = 16 * 1024;

    // Asymmetric ones that a realm can be set to; never `none`, never one in which our public key would be the secret.
    private static readonly string[] _algorithms =
    [
        SecurityAlgorithms.RsaSha256,
        SecurityAlgorithms.RsaSsaPssSha256,
        SecurityAlgorithms.EcdsaSha256,
    ];

    private static readonly TimeSpan _clockSkew = TimeSpan.FromSeconds(5);

    private readonly JsonWebTokenHandler _handler = new() { MapInboundClaims = false, MaximumTokenSizeInBytes = MaxLength };

    /// <exception cref="KeycloakUnavailableException">The realm's keys are not known and it does not answer.</exception>
    public async ValueTask<(AccessTokenState State, AccessToken? Token)> ValidateAsync(string text, CancellationToken cancellationToken)
    {
        if (
            !options.Value.IsConfigured
            || text.Length > MaxLength
            || Read(text) is not { } jwt
            || !_algorithms.Contains(jwt.Alg)
            || string.IsNullOrEmpty(jwt.Kid)
        )
        {
            return (AccessTokenState.Unknown, null);
        }

        var result = await _handler.ValidateTokenAsync(
            jwt,
            new TokenValidationParameters
            {
                ValidIssuer = options.Value.Issuer,
                ValidateAudience = false,
                ValidAlgorithms = _algorithms,
                ValidTypes = ["JWT", "at+jwt"],
                IssuerSigningKeys = await keys.FindAsync(jwt.Kid, cancellationToken),
                RequireSignedTokens = true,
                RequireExpirationTime = true,
                // Judged below: an expired token must be distinguished from a forged one.
                ValidateLifetime = false,
            }
        );
        if (!result.IsValid || jwt.ValidFrom > time.GetUtcNow().UtcDateTime + _clockSkew || Claims(jwt) is not { } token)
        {
            return (AccessTokenState.Unknown, null);
        }

        return (token.ExpiresAt > time.GetUtcNow() ? AccessTokenState.Genuine : AccessTokenState.Expired, token);
    }

    private JsonWebToken? Read(string text)
    {
        try
        {
            return _handler.CanReadToken(text) ? _handler.ReadJsonWebToken(text) : null;
        }
        catch (ArgumentException)
        {
            return null;
        }
    }

    // ID and refresh tokens are signed with the same keys: only `typ` tells an access token from them.
    private static AccessToken? Claims(JsonWebToken jwt) =>
        Text(jwt, "typ") == "Bearer"
        && Text(jwt, "sub") is { Length: > 0 } subject
        && Text(jwt, "azp") is { Length: > 0 } client
        && jwt.ValidTo > DateTime.MinValue
        && Text(jwt, "sid") is { Length: > 0 } session
        && jwt.IssuedAt > DateTime.MinValue
        && jwt.ValidTo - jwt.IssuedAt <= AccessTokenRules.LongestLife
            ? new AccessToken(
                subject,
                client,
                session,
                [.. jwt.Audiences],
                Text(jwt, "scope")?.Split(' ', StringSplitOptions.RemoveEmptyEntries) ?? [],
                Utc(jwt.IssuedAt),
                Utc(jwt.ValidTo),
                jwt.TryGetPayloadValue<long>("auth_time", out var seconds) ? DateTimeOffset.FromUnixTimeSeconds(seconds) : null
            )
            : null;

    private static string? Text(JsonWebToken jwt, string claim) => jwt.TryGetPayloadValue<string>(claim, out var value) ? value : null;

    private static DateTimeOffset Utc(DateTime time) => new(DateTime.SpecifyKind(time, DateTimeKind.Utc));
}
