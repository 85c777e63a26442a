using System.Collections.Concurrent;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Tokens;
using Platform.Edge.Http;
using Platform.Identity.Contracts;

namespace Platform.Edge.Callers;

/// <summary>What the Authorization header holds.</summary>
/// <param name="Problem">Why there is no credential; null with one, and when the header is missing.</param>
/// <param name="Unavailable">The issuer's keys could not be had, so nothing can be said about the token.</param>
internal readonly record struct Bearer(Credential? Credential, string? Problem, bool Unavailable = false);

/// <summary>
/// Tells apart what can be told without asking identity: the checksum of a personal token; signature, issuer, audience, algorithm and
/// expiry of an access token. A signature once seen to be good is not computed again for a while, since identity judges anew anyway.
/// </summary>
internal sealed class BearerReader(IOptions<McpEndpointOptions> endpoint, IOptionsMonitor<JwtBearerOptions> jwt, TimeProvider time)
{
    public const string Scheme = "oauth";

    private const int MaxTokenLength = 16 * 1024;
    private const int MaxRemembered = 50_000;
    private static readonly TimeSpan _remember = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<TokenKey, DateTimeOffset> _genuine = new();
    private readonly bool _acceptsOAuth = endpoint.Value.Issuer.Length > 0;

    public ValueTask<Bearer> ReadAsync(HttpContext http)
    {
        var header = http.Request.Headers.Authorization;
        if (header.Count == 0)
        {
            return new(new Bearer(null, null));
        }

        const string Prefix = "Bearer ";
        var text = header.Count == 1 ? header[0]! : "";
        if (!text.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase) || text.Length > MaxTokenLength)
        {
            return new(new Bearer(null, "The Authorization header must hold one bearer token."));
        }

        var token = text[Prefix.Length..].Trim();
        if (token.StartsWith(PersonalToken.Prefix, StringComparison.Ordinal))
        {
            return new(
                PersonalToken.IsWellFormed(token)
                    ? new Bearer(Credential.Personal(token), null)
                    : new Bearer(null, "The personal token is mistyped: its checksum does not fit.")
            );
        }
        if (!_acceptsOAuth)
        {
            return new(new Bearer(null, "This installation takes personal tokens only."));
        }

        var credential = Credential.OAuth(token);
        return _genuine.TryGetValue(credential.Key, out var until) && until > time.GetUtcNow()
            ? new(new Bearer(credential, null))
            : ValidateAsync(http, credential);
    }

    private async ValueTask<Bearer> ValidateAsync(HttpContext http, Credential credential)
    {
        AuthenticateResult result;
        try
        {
            result = await http.AuthenticateAsync(Scheme);
        }
        catch (Exception exception)
            when (exception
                    is InvalidOperationException
                        or HttpRequestException
                        or IOException
                        or SecurityTokenSignatureKeyNotFoundException
            )
        {
            return new Bearer(
                null,
                "The issuer's keys cannot be had at the moment.",
                Unavailable: exception is not SecurityTokenSignatureKeyNotFoundException
            );
        }
        if (!result.Succeeded)
        {
            if (await IsIssuerAwayAsync(http.RequestAborted))
            {
                return new Bearer(null, "The issuer's keys cannot be had at the moment.", Unavailable: true);
            }

            return new Bearer(
                null,
                result.Failure is SecurityTokenExpiredException
                    ? "The access token has expired."
                    : "The access token is not valid for this resource."
            );
        }
        var now = time.GetUtcNow();
        if (_genuine.Count >= MaxRemembered)
        {
            Forget(now);
        }

        var expires = result.Properties?.ExpiresUtc ?? now;
        _genuine[credential.Key] = expires < now + _remember ? expires : now + _remember;
        return new Bearer(credential, null);
    }

    // Without the issuer's keys the handler fails a genuine token like a forged one.
    private async ValueTask<bool> IsIssuerAwayAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await jwt.Get(Scheme).ConfigurationManager!.GetConfigurationAsync(cancellationToken) is null;
        }
        catch (Exception exception) when (exception is InvalidOperationException or HttpRequestException or IOException)
        {
            return true;
        }
    }

    private void Forget(DateTimeOffset now)
    {
        foreach (var (key, until) in _genuine)
        {
            if (until <= now)
            {
                _genuine.TryRemove(key, out _);
            }
        }
        if (_genuine.Count >= MaxRemembered)
        {
            _genuine.Clear();
        }
    }
}
