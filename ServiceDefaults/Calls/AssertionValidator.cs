using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Security.Claims;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Platform.Contracts;

namespace Platform.ServiceDefaults.Calls;

/// <summary>The claims of a caller assertion.</summary>
public static class AssertionClaims
{
    public const string Issuer = "platform-identity";
    public const string Workspace = "wks";
    public const string Environment = "env";
    public const string EnvironmentKind = "env_kind";
    public const string Member = "mbr";
    public const string Role = "role";
    public const string Permissions = "perms";

    /// <summary>What <see cref="Calls.Reach"/> is read from.</summary>
    public const string Environments = "envs";
    public const string Token = "tok";
    public const string Client = "cli";
    public const string Service = "svc";
    public const string OnBehalfOf = "on_behalf_of";
}

/// <summary>Where the public keys of assertions come from.</summary>
public interface IAssertionKeys
{
    /// <summary>The keys with this id; none when it is unknown even after a refresh.</summary>
    /// <exception cref="Grpc.Core.RpcException">UNAVAILABLE: it is unknown, and who could know it does not answer.</exception>
    ValueTask<IReadOnlyList<SecurityKey>> FindAsync(string keyId, CancellationToken cancellationToken);
}

/// <summary>Turns a caller assertion (ES256 JWT, audience this service) into a <see cref="Caller"/>, or refuses it.</summary>
internal sealed class AssertionValidator(ServiceIdentity service, IAssertionKeys keys, TimeProvider time)
{
    // An assertion lives 30 s and is sent with every call of a caller: checking its signature once is enough.
    private const int MaxRemembered = 10_000;

    private static readonly TimeSpan _clockSkew = TimeSpan.FromSeconds(5);

    private readonly JsonWebTokenHandler _handler = new() { MapInboundClaims = false };
    private readonly ConcurrentDictionary<string, (Caller Caller, DateTime Expires)> _remembered = new(StringComparer.Ordinal);

    public async ValueTask<Caller?> ValidateAsync(string assertion, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow().UtcDateTime;
        if (_remembered.TryGetValue(assertion, out var known))
        {
            return known.Expires > now ? known.Caller : null;
        }

        if (!_handler.CanReadToken(assertion) || _handler.ReadJsonWebToken(assertion) is not { Alg: SecurityAlgorithms.EcdsaSha256 } token)
        {
            return null;
        }

        var result = await _handler.ValidateTokenAsync(
            token,
            new TokenValidationParameters
            {
                ValidIssuer = AssertionClaims.Issuer,
                ValidAudience = service.Name,
                ValidAlgorithms = [SecurityAlgorithms.EcdsaSha256],
                IssuerSigningKeys = await keys.FindAsync(token.Kid, cancellationToken),
                RequireSignedTokens = true,
                RequireExpirationTime = true,
                LifetimeValidator = (notBefore, expires, _, _) => expires > now && (notBefore is null || notBefore <= now + _clockSkew),
            }
        );
        if (!result.IsValid)
        {
            return null;
        }

        if (_remembered.Count >= MaxRemembered)
        {
            Forget(now);
        }

        var caller = Read(result.ClaimsIdentity);
        _remembered[assertion] = (caller, token.ValidTo);
        return caller;
    }

    private void Forget(DateTime now)
    {
        foreach (var (assertion, entry) in _remembered)
        {
            if (entry.Expires <= now)
            {
                _remembered.TryRemove(assertion, out _);
            }
        }

        if (_remembered.Count >= MaxRemembered)
        {
            _remembered.Clear();
        }
    }

    private static Caller Read(ClaimsIdentity claims) =>
        new()
        {
            WorkspaceId = Id(claims, AssertionClaims.Workspace, "wks") ?? Guid.Empty,
            EnvironmentId = Id(claims, AssertionClaims.Environment, "env"),
            EnvironmentKind = claims.FindFirst(AssertionClaims.EnvironmentKind)?.Value,
            MemberId = Id(claims, AssertionClaims.Member, "mbr"),
            Role = claims.FindFirst(AssertionClaims.Role)?.Value,
            Permissions = claims.FindAll(AssertionClaims.Permissions).Select(claim => claim.Value).ToFrozenSet(StringComparer.Ordinal),
            Reach = Reach.Of(claims.FindAll(AssertionClaims.Environments).Select(claim => claim.Value)),
            TokenId = claims.FindFirst(AssertionClaims.Token)?.Value,
            ClientId = claims.FindFirst(AssertionClaims.Client)?.Value,
            Service = claims.FindFirst(AssertionClaims.Service)?.Value,
            OnBehalfOf = claims.FindFirst(AssertionClaims.OnBehalfOf)?.Value,
        };

    private static Guid? Id(ClaimsIdentity claims, string type, string prefix) =>
        claims.FindFirst(type)?.Value is { } text && Ids.TryParse(prefix, text, out var id) ? id : null;
}

/// <summary>
/// The public keys that identity serves at <c>/.well-known/assertion-keys</c>. For an unknown id they are fetched again, at most once a
/// second.
/// </summary>
internal sealed partial class IdentityAssertionKeys(IHttpClientFactory clients, TimeProvider time, ILogger<IdentityAssertionKeys> log)
    : IAssertionKeys,
        IDisposable
{
    public const string ClientName = "identity-keys";

    private readonly SemaphoreSlim _refreshing = new(1, 1);
    private JsonWebKeySet _keys = new();
    private DateTimeOffset _asked = DateTimeOffset.MinValue;
    private bool _answered;

    public async ValueTask<IReadOnlyList<SecurityKey>> FindAsync(string keyId, CancellationToken cancellationToken)
    {
        if (Known(keyId) is { Count: > 0 } known)
        {
            return known;
        }

        await _refreshing.WaitAsync(cancellationToken);
        try
        {
            if (Known(keyId) is { Count: > 0 } refreshed)
            {
                return refreshed;
            }

            if (time.GetUtcNow() - _asked >= TimeSpan.FromSeconds(1))
            {
                _asked = time.GetUtcNow();
                await AskAsync(cancellationToken);
            }

            // Whether the key exists is not known while identity is away.
            return Known(keyId) is { Count: 0 } && !_answered ? throw Problem.Unavailable("The identity service") : Known(keyId);
        }
        finally
        {
            _refreshing.Release();
        }
    }

    public void Dispose() => _refreshing.Dispose();

    private async Task AskAsync(CancellationToken cancellationToken)
    {
        _answered = false;
        try
        {
            using var client = clients.CreateClient(ClientName);
            _keys = new JsonWebKeySet(
                await client.GetStringAsync(new Uri(".well-known/assertion-keys", UriKind.Relative), cancellationToken)
            );
            _answered = true;
        }
        catch (Exception exception)
            when (exception is HttpRequestException or TaskCanceledException && !cancellationToken.IsCancellationRequested)
        {
            LogAway(exception);
        }
    }

    private List<SecurityKey> Known(string keyId) => [.. _keys.GetSigningKeys().Where(key => key.KeyId == keyId)];

    [LoggerMessage(1004, LogLevel.Warning, "The keys of assertions could not be fetched from identity")]
    private partial void LogAway(Exception exception);
}
