using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Platform.Edge.Tests.Fixture;

/// <summary>An authorization server with keys of its own.</summary>
public sealed class FakeIssuer : IDisposable
{
    private readonly RSA _rsa = RSA.Create(2048);
    private readonly RSA _stranger = RSA.Create(2048);
    private readonly JsonWebTokenHandler _handler = new() { SetDefaultTimesOnTokenCreation = false };

    public string Name { get; set; } = "";

    /// <summary>The forms of metadata that are served: oidc, oauth.</summary>
    public string Serves { get; set; } = "oidc";

    public object Keys
    {
        get
        {
            var key = _rsa.ExportParameters(false);
            return new
            {
                keys = new[]
                {
                    new
                    {
                        kty = "RSA",
                        use = "sig",
                        kid = "k1",
                        alg = "RS256",
                        n = Base64UrlEncoder.Encode(key.Modulus),
                        e = Base64UrlEncoder.Encode(key.Exponent),
                    },
                },
            };
        }
    }

    public IResult Metadata(string form) =>
        form == Serves
            ? Results.Json(
                new
                {
                    issuer = Name,
                    jwks_uri = $"{Name}/keys",
                    authorization_endpoint = $"{Name}/auth",
                    token_endpoint = $"{Name}/token",
                }
            )
            : Results.NotFound();

    public string Issue(
        string audience,
        string? issuer = null,
        DateTime? expires = null,
        bool byStranger = false,
        string algorithm = SecurityAlgorithms.RsaSha256,
        DateTime? issued = null
    ) =>
        _handler.CreateToken(
            new SecurityTokenDescriptor
            {
                Issuer = issuer ?? Name,
                Audience = audience,
                Expires = expires ?? DateTime.UtcNow.AddMinutes(5),
                IssuedAt = issued ?? DateTime.UtcNow.AddMinutes(-10),
                Claims = new Dictionary<string, object>
                {
                    ["sub"] = "someone",
                    ["typ"] = "Bearer",
                    ["azp"] = "test-client",
                    ["jti"] = Guid.NewGuid().ToString(),
                },
                SigningCredentials = new SigningCredentials(new RsaSecurityKey(byStranger ? _stranger : _rsa) { KeyId = "k1" }, algorithm),
            }
        );

    public void Dispose()
    {
        _rsa.Dispose();
        _stranger.Dispose();
    }
}
