using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Tokens;
using Platform.Identity.Service.Keycloak;

namespace Platform.Identity.Service.AccessTokens;

/// <summary>The realm's public signing keys. An unknown key id asks the realm again, at most every few seconds.</summary>
internal sealed class RealmKeys(HttpClient http, IOptions<KeycloakOptions> options, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan _askAgainAfter = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _reloadAfter = TimeSpan.FromHours(1);

    private readonly SemaphoreSlim _asking = new(1, 1);
    private JsonWebKeySet _keys = new();
    private DateTimeOffset _asked = DateTimeOffset.MinValue;
    private DateTimeOffset _answered = DateTimeOffset.MinValue;

    /// <exception cref="KeycloakUnavailableException">The realm was never reached.</exception>
    public async ValueTask<IReadOnlyList<SecurityKey>> FindAsync(string keyId, CancellationToken cancellationToken)
    {
        if (time.GetUtcNow() - _answered < _reloadAfter && Known(keyId) is { Count: > 0 } known)
        {
            return known;
        }

        await _asking.WaitAsync(cancellationToken);
        try
        {
            if (time.GetUtcNow() - _asked >= _askAgainAfter && (Known(keyId).Count == 0 || time.GetUtcNow() - _answered >= _reloadAfter))
            {
                _asked = time.GetUtcNow();
                _keys = new JsonWebKeySet(
                    await http.GetStringAsync(new Uri(options.Value.InternalIssuer, "protocol/openid-connect/certs"), cancellationToken)
                );
                _answered = time.GetUtcNow();
            }
        }
        catch (Exception exception)
            when (exception is HttpRequestException or TaskCanceledException && !cancellationToken.IsCancellationRequested)
        {
            // Keys known already go on working while the realm is away.
            if (Known(keyId).Count == 0)
            {
                throw new KeycloakUnavailableException("Keycloak does not answer.", exception);
            }
        }
        finally
        {
            _asking.Release();
        }

        return _answered == DateTimeOffset.MinValue ? throw new KeycloakUnavailableException("Keycloak does not answer.") : Known(keyId);
    }

    public void Dispose() => _asking.Dispose();

    private List<SecurityKey> Known(string keyId) => [.. _keys.GetSigningKeys().Where(key => key.KeyId == keyId)];
}
