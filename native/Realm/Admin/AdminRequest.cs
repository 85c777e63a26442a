using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Platform.Native.Realm.State;
using Platform.Native.Realm.Tokens;

namespace Platform.Native.Realm.Admin;

/// <summary>
/// The administrator of all realms, by the bootstrap name and password. The tokens end with the process.
/// </summary>
internal sealed class Bootstrap(RealmOptions options, TimeProvider time)
{
    private readonly JsonWebTokenHandler _handler = new() { MapInboundClaims = false, SetDefaultTimesOnTokenCreation = false };
    private readonly SymmetricSecurityKey _key = new(System.Security.Cryptography.RandomNumberGenerator.GetBytes(64)) { KeyId = "bootstrap" };

    /// <summary>The token endpoint of the realm <c>master</c>, which holds nothing else.</summary>
    public async Task SignInAsync(HttpContext http)
    {
        var form = http.Request.HasFormContentType ? await http.Request.ReadFormAsync(http.RequestAborted) : FormCollection.Empty;
        var isRight = form["grant_type"] == "password" && form["client_id"] == "admin-cli" && options.AdminPassword.Length > 0
            && Same(form["username"], options.AdminUserName) & Same(form["password"], options.AdminPassword);
        if (!isRight)
        {
            await Answer.Error(401, "invalid_grant", "Invalid user credentials").WriteAsync(http);
            return;
        }
        var claims = new JsonObject { ["typ"] = "Bearer", ["azp"] = "admin-cli", ["sub"] = options.AdminUserName, ["exp"] = time.GetUtcNow().AddMinutes(1).ToUnixTimeSeconds() };
        await Answer.Json(new JsonObject
        {
            ["access_token"] = _handler.CreateToken(claims.ToJsonString(), new SigningCredentials(_key, SecurityAlgorithms.HmacSha512)),
            ["expires_in"] = 60,
            ["token_type"] = "Bearer",
        }).WriteAsync(http);
    }

    public async Task<bool> IsAsync(string token) => _handler.CanReadToken(token) && (await _handler.ValidateTokenAsync(token, new TokenValidationParameters
    {
        ValidateIssuer = false,
        ValidateAudience = false,
        ValidAlgorithms = [SecurityAlgorithms.HmacSha512],
        IssuerSigningKey = _key,
        RequireExpirationTime = true,
        LifetimeValidator = (_, expires, _, _) => expires > time.GetUtcNow().UtcDateTime,
    })).IsValid;

    public static string? TokenOf(HttpContext http) =>
        (string?)http.Request.Headers.Authorization is { } header && header.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) ? header[7..] : null;

    private static bool Same(string? given, string wanted) =>
        System.Security.Cryptography.CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(given ?? ""), Encoding.UTF8.GetBytes(wanted));
}

/// <summary>One call of the admin API of a realm: who may, what happens, and the event that is left.</summary>
internal sealed class AdminCalls(Bootstrap bootstrap)
{
    /// <param name="area">What a caller needs the role <c>view-…</c> for to read and <c>manage-…</c> for to change: clients, users, realm, events.</param>
    /// <param name="resourceType">The kind that the administrator's event names.</param>
    public Func<RealmRequest, ValueTask<Answer>> Guard(string area, string resourceType, Func<RealmRequest, Answer> handle) => async request =>
    {
        var realm = request.Realm;
        var reads = HttpMethods.IsGet(request.Http.Request.Method);
        if (Bootstrap.TokenOf(request.Http) is not { } text)
            return Answer.Error(401, "HTTP 401 Unauthorized");
        var token = await TokenIssuer.ReadAsync(realm, text, "Bearer");
        if (token is null && !await bootstrap.IsAsync(text))
            return Answer.Error(401, "HTTP 401 Unauthorized");
        if (token is not null && !Roles(token).Overlaps(reads ? [$"view-{area}", $"manage-{area}"] : [$"manage-{area}"]))
            return Answer.Error(403, "HTTP 403 Forbidden");

        var answer = handle(request);
        if (!reads && answer.Status is >= 200 and < 300)
        {
            var root = $"/admin/realms/{realm.Name}";
            var path = request.Http.Request.Path.Value![root.Length..].Trim('/');
            if (answer.CreatedId is not null)
                path += $"/{answer.CreatedId}";
            var operation = request.Http.Request.Method switch
            {
                "DELETE" => "DELETE",
                "POST" when answer.CreatedId is not null => "CREATE",
                "POST" => "ACTION",
                _ => "UPDATE",
            };
            realm.RecordAdministration(operation, resourceType, path, token?.Subject, token is null ? "admin-cli" : TokenIssuer.Text(token, "azp"), request.Address);
            realm.Changed();
        }
        return answer.CreatedId is { } id ? answer with { Location = $"{realm.PublicUrl}{request.Http.Request.Path}/{id}" } : answer;
    };

    private static HashSet<string> Roles(JsonWebToken token) => token.TryGetPayloadValue<JsonObject>("resource_access", out var access)
        ? [.. access["realm-management"]?["roles"].Texts() ?? []]
        : JsonNode.Parse(Base64UrlEncoder.Decode(token.EncodedPayload))?["resource_access"]?["realm-management"]?["roles"] is { } roles ? [.. roles.Texts()] : [];
}
