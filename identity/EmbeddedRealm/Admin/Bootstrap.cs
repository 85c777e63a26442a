using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Platform.Identity.EmbeddedRealm.Admin;

/// <summary>
/// The administrator of all realms, by the bootstrap name and password. The tokens end with the process.
/// </summary>
internal sealed class Bootstrap(RealmOptions options, TimeProvider time)
{
    private readonly JsonWebTokenHandler _handler = new() { MapInboundClaims = false, SetDefaultTimesOnTokenCreation = false };
    private readonly SymmetricSecurityKey _key = new(RandomNumberGenerator.GetBytes(64)) { KeyId = "bootstrap" };

    /// <summary>The token endpoint of the realm <c>master</c>, which holds nothing else.</summary>
    public async Task SignInAsync(HttpContext http)
    {
        var form = http.Request.HasFormContentType ? await http.Request.ReadFormAsync(http.RequestAborted) : FormCollection.Empty;
        var isRight =
            form["grant_type"] == "password"
            && form["client_id"] == "admin-cli"
            && options.AdminPassword.Length > 0
            && Same(form["username"], options.AdminUserName) & Same(form["password"], options.AdminPassword);
        if (!isRight)
        {
            await Answer.Error(401, "invalid_grant", "Invalid user credentials").WriteAsync(http);
            return;
        }
        var claims = new JsonObject
        {
            ["typ"] = "Bearer",
            ["azp"] = "admin-cli",
            ["sub"] = options.AdminUserName,
            ["exp"] = time.GetUtcNow().AddMinutes(1).ToUnixTimeSeconds(),
        };
        await Answer
            .Json(
                new JsonObject
                {
                    ["access_token"] = _handler.CreateToken(
                        claims.ToJsonString(),
                        new SigningCredentials(_key, SecurityAlgorithms.HmacSha512)
                    ),
                    ["expires_in"] = 60,
                    ["token_type"] = "Bearer",
                }
            )
            .WriteAsync(http);
    }

    public async Task<bool> IsAsync(string token) =>
        _handler.CanReadToken(token)
        && (
            await _handler.ValidateTokenAsync(
                token,
                new TokenValidationParameters
                {
                    ValidateIssuer = false,
                    ValidateAudience = false,
                    ValidAlgorithms = [SecurityAlgorithms.HmacSha512],
                    IssuerSigningKey = _key,
                    RequireExpirationTime = true,
                    LifetimeValidator = (_, expires, _, _) => expires > time.GetUtcNow().UtcDateTime,
                }
            )
        ).IsValid;

    public static string? TokenOf(HttpContext http) =>
        (string?)http.Request.Headers.Authorization is { } header && header.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase)
            ? header[7..]
            : null;

    private static bool Same(string? given, string wanted) =>
        CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(given ?? ""), Encoding.UTF8.GetBytes(wanted));
}
