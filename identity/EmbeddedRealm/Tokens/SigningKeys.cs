using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Microsoft.IdentityModel.Tokens;
using Platform.Identity.EmbeddedRealm.State;

namespace Platform.Identity.EmbeddedRealm.Tokens;

/// <summary>
/// The realm's RSA keys. A key provider of a higher priority is a new key that signs from then on; the others still verify.
/// </summary>
internal static class SigningKeys
{
    public const string ProviderType = "org.keycloak.keys.KeyProvider";

    private static readonly ConditionalWeakTable<SigningKey, RsaSecurityKey> s_loaded = [];

    public static SigningKey Create(string componentId, int priority, DateTimeOffset now)
    {
        using var rsa = RSA.Create(2048);
        return new SigningKey(Handle(rsa), componentId, priority, now, rsa.ExportPkcs8PrivateKey());
    }

    public static SigningKey Active(RealmState state) =>
        state.Keys.OrderByDescending(key => key.Priority).ThenByDescending(key => key.Created).First();

    public static RsaSecurityKey Private(SigningKey key) => s_loaded.GetValue(key, static key =>
        {
            var rsa = RSA.Create();
            rsa.ImportPkcs8PrivateKey(key.Pkcs8, out _);
            return new RsaSecurityKey(rsa) { KeyId = key.Id };
        });

    public static JsonObject Published(SigningKey key)
    {
        using var rsa = RSA.Create();
        rsa.ImportPkcs8PrivateKey(key.Pkcs8, out _);
        var jwk = JsonWebKeyConverter.ConvertFromRSASecurityKey(new RsaSecurityKey(rsa.ExportParameters(false)));
        return new JsonObject
        {
            ["kid"] = key.Id,
            ["kty"] = jwk.Kty,
            ["alg"] = "RS256",
            ["use"] = "sig",
            ["n"] = jwk.N,
            ["e"] = jwk.E,
        };
    }

    private static string Handle(RSA rsa) => Base64UrlEncoder.Encode(SHA256.HashData(rsa.ExportSubjectPublicKeyInfo()));
}
