using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Platform.Identity.Tests;

/// <summary>
/// Stands where Keycloak would, to sign what no Keycloak would sign: tokens of another issuer, another audience, another time. It publishes
/// its key, knows accounts with their consents, and creates accounts for people who join.
/// </summary>
public sealed class TokenForge : IAsyncDisposable
{
    private readonly RsaSecurityKey _key = new(RSA.Create(2048)) { KeyId = "forge" };
    private readonly JsonWebTokenHandler _handler = new() { SetDefaultTimesOnTokenCreation = false };
    private WebApplication? _app;

    internal string Url => _app!.Urls.Single();

    internal string Issuer => $"{Url}/realms/platform";

    internal ConcurrentDictionary<string, JsonObject> Accounts { get; } = new();

    /// <summary>What people have agreed to, by subject and client.</summary>
    internal ConcurrentDictionary<(string Subject, string Client), JsonObject> Consents { get; } = new();

    /// <summary>The accounts of people who join.</summary>
    internal FakeAccounts NewAccounts { get; } = new();

    /// <summary>When set, nothing can be taken back: the realm answers 500.</summary>
    internal bool RefusesToRevoke { get; set; }

    internal SecurityKey Key => _key;

    internal async Task StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _app = builder.Build();
        _app.MapGet("/realms/platform/protocol/openid-connect/certs", () =>
        {
            var key = _key.Rsa.ExportParameters(false);
            return Results.Json(
                new
                {
                    keys = new[]
                    {
                        new
                        {
                            kid = _key.KeyId,
                            kty = "RSA",
                            use = "sig",
                            alg = "RS256",
                            n = Base64UrlEncoder.Encode(key.Modulus),
                            e = Base64UrlEncoder.Encode(key.Exponent),
                        },
                    },
                }
            );
        });
        _app.MapPost("/realms/platform/protocol/openid-connect/token", () =>
            Results.Json(new { access_token = "administrator", expires_in = 300 })
        );
        _app.MapGet("/admin/realms/platform/users/{subject}", (string subject) =>
            Accounts.TryGetValue(subject, out var account) ? Results.Json(account) : Results.NotFound()
        );
        _app.MapGet("/admin/realms/platform/users/{subject}/consents", (string subject) =>
            Results.Json(Consents.Where(consent => consent.Key.Subject == subject).Select(consent => consent.Value))
        );
        _app.MapDelete("/admin/realms/platform/users/{subject}/consents/{client}", (string subject, string client) => RefusesToRevoke
                ? Results.InternalServerError()
            : Consents.TryRemove((subject, client), out _) ? Results.NoContent()
            : Results.NotFound());
        _app.MapGet("/admin/realms/platform/clients", (string? clientId) =>
            Results.Json(clientId is null ? Array.Empty<object>() : [new { clientId, name = $"The app {clientId}" }])
        );
        _app.MapGet("/admin/realms/platform/users/{subject}/sessions", (string subject) =>
            Results.Json(new[] { new { id = $"session-of-{subject}" } })
        );
        _app.MapDelete("/admin/realms/platform/sessions/{session}", () => Results.NoContent());
        NewAccounts.Map(_app);
        await _app.StartAsync();
    }

    /// <summary>Somebody agrees to an app.</summary>
    internal void Agree(string subject, string client, DateTimeOffset at, params string[] scopes) =>
        Consents[(subject, client)] = new JsonObject
        {
            ["clientId"] = client,
            ["grantedClientScopes"] = new JsonArray([.. scopes.Select(scope => (JsonNode)scope)]),
            ["createdDate"] = at.ToUnixTimeMilliseconds(),
            ["lastUpdatedDate"] = at.ToUnixTimeMilliseconds(),
        };

    /// <summary>A token as an MCP client gets it; the changes make it something else.</summary>
    internal string Sign(
        string subject,
        DateTimeOffset now,
        string scope = "workspace:read databases.records:read databases.records:write",
        Action<Dictionary<string, object>>? change = null,
        SecurityKey? key = null,
        string algorithm = SecurityAlgorithms.RsaSha256
    )
    {
        var claims = new Dictionary<string, object>
        {
            ["iss"] = Issuer,
            ["aud"] = IdentityFixture.EdgeUrl,
            ["sub"] = subject,
            ["typ"] = "Bearer",
            ["azp"] = "claude",
            ["sid"] = $"session-of-{subject}",
            ["scope"] = scope,
            ["iat"] = now.ToUnixTimeSeconds(),
            ["exp"] = now.AddMinutes(5).ToUnixTimeSeconds(),
        };
        change?.Invoke(claims);
        return _handler.CreateToken(
            new SecurityTokenDescriptor { Claims = claims, SigningCredentials = new SigningCredentials(key ?? _key, algorithm) }
        );
    }

    /// <summary>A token of the first-party client.</summary>
    internal string SignForGovernance(string subject, DateTimeOffset now, DateTimeOffset? signedInAt = null) =>
        Sign(subject, now, "openid", claims =>
        {
            claims["aud"] = "platform-governance";
            claims["auth_time"] = (signedInAt ?? now).ToUnixTimeSeconds();
            claims["azp"] = "platform-governance";
        });

    public async ValueTask DisposeAsync()
    {
        _key.Rsa.Dispose();
        if (_app is not null)
        {
            await _app.DisposeAsync();
        }
    }
}
