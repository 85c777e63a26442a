using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Platform.Contracts;
using Platform.ServiceDefaults.Calls;

namespace Platform.Identity.Service.Assertions;

/// <summary>Claims that only identity reads back, beside those of <see cref="AssertionClaims"/>.</summary>
internal static class OwnClaims
{
    public const string Scopes = "scp";
    public const string TokenKind = "tok_kind";
    public const string TokenExpires = "tok_exp";
}

/// <summary>Signs caller assertions: ES256 JWTs, for one service each.</summary>
internal sealed class AssertionIssuer(AssertionKeyRing keys, IOptions<AssertionOptions> options, TimeProvider time)
{
    private readonly JsonWebTokenHandler _handler = new() { SetDefaultTimesOnTokenCreation = false };

    /// <summary>An assertion for each audience, with the same claims.</summary>
    /// <param name="notAfter">When what the caller came with ends: no assertion outlives it.</param>
    public async ValueTask<(IReadOnlyDictionary<string, string> Assertions, DateTimeOffset ExpiresAt)> IssueAsync(
        Dictionary<string, object> claims,
        IEnumerable<string> audiences,
        DateTimeOffset notAfter,
        CancellationToken cancellationToken
    )
    {
        var now = time.GetUtcNow();
        var expires = now + options.Value.Lifetime;
        if (expires > notAfter)
        {
            expires = notAfter;
        }

        var credentials = await keys.SigningAsync(cancellationToken);
        return (
            audiences
                .Distinct()
                .ToDictionary(
                    audience => audience,
                    audience =>
                        _handler.CreateToken(
                            new SecurityTokenDescriptor
                            {
                                Issuer = AssertionClaims.Issuer,
                                Audience = audience,
                                IssuedAt = now.UtcDateTime,
                                NotBefore = now.UtcDateTime,
                                Expires = expires.UtcDateTime,
                                Claims = claims,
                                SigningCredentials = credentials,
                            }
                        )
                ),
            expires
        );
    }

    /// <summary>
    /// An assertion of identity for a member who asked it over HTTP: it opens what takes identity alone, as far as the member's role goes.
    /// </summary>
    public async ValueTask<string> IssueForMemberAsync(
        Caller caller,
        string subject,
        string audience,
        DateTimeOffset notAfter,
        CancellationToken cancellationToken
    )
    {
        var claims = new Dictionary<string, object>
        {
            [JwtRegisteredClaimNames.Sub] = subject,
            [AssertionClaims.Service] = "identity",
            [AssertionClaims.Workspace] = Ids.Format("wks", caller.WorkspaceId),
            [AssertionClaims.Member] = Ids.Format("mbr", caller.MemberId!.Value),
            [AssertionClaims.Role] = caller.Role ?? "",
            [AssertionClaims.Permissions] = caller.Permissions.ToArray(),
            [AssertionClaims.Environments] = caller.Reach.ToClaim(),
            [AssertionClaims.Token] = caller.TokenId ?? "",
            [AssertionClaims.Client] = caller.ClientId ?? "",
        };
        var (assertions, _) = await IssueAsync(claims, [audience], notAfter, cancellationToken);
        return assertions[audience];
    }

    /// <summary>An assertion of a service that acts by itself.</summary>
    public async Task<ServiceAssertion> IssueForServiceAsync(
        string service,
        string audience,
        string workspace,
        string onBehalfOf,
        CancellationToken cancellationToken
    )
    {
        var claims = new Dictionary<string, object>
        {
            [JwtRegisteredClaimNames.Sub] = $"service:{service}",
            [AssertionClaims.Service] = service,
            [AssertionClaims.Permissions] = Array.Empty<string>(),
        };
        if (workspace.Length > 0)
        {
            claims[AssertionClaims.Workspace] = workspace;
        }

        if (onBehalfOf.Length > 0)
        {
            claims[AssertionClaims.OnBehalfOf] = onBehalfOf;
        }

        var (assertions, expires) = await IssueAsync(claims, [audience], DateTimeOffset.MaxValue, cancellationToken);
        return new ServiceAssertion(assertions[audience], expires);
    }
}
