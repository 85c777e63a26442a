using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Platform.Identity.EmbeddedRealm.State;
using Platform.Identity.EmbeddedRealm.Tokens;

namespace Platform.Identity.EmbeddedRealm.Admin;

/// <summary>One call of the admin API of a realm: who may, what happens, and the event that is left.</summary>
internal sealed class AdminCalls(Bootstrap bootstrap)
{
    /// <param name="area">What a caller needs the role <c>view-…</c> for to read and <c>manage-…</c> for to change: clients, users, realm,
    /// events.</param>
    /// <param name="resourceType">The kind that the administrator's event names.</param>
    public Func<RealmRequest, ValueTask<Answer>> Guard(string area, string resourceType, Func<RealmRequest, Answer> handle) =>
        async request =>
        {
            var realm = request.Realm;
            var reads = HttpMethods.IsGet(request.Http.Request.Method);
            if (Bootstrap.TokenOf(request.Http) is not { } text)
            {
                return Answer.Error(401, "HTTP 401 Unauthorized");
            }

            var token = await TokenIssuer.ReadAsync(realm, text, "Bearer");
            if (token is null && !await bootstrap.IsAsync(text))
            {
                return Answer.Error(401, "HTTP 401 Unauthorized");
            }

            if (token is not null && !Roles(token).Overlaps(reads ? [$"view-{area}", $"manage-{area}"] : [$"manage-{area}"]))
            {
                return Answer.Error(403, "HTTP 403 Forbidden");
            }

            var answer = handle(request);
            if (!reads && answer.Status is >= 200 and < 300)
            {
                var root = $"/admin/realms/{realm.Name}";
                var path = request.Http.Request.Path.Value![root.Length..].Trim('/');
                if (answer.CreatedId is not null)
                {
                    path += $"/{answer.CreatedId}";
                }

                var operation = request.Http.Request.Method switch
                {
                    "DELETE" => "DELETE",
                    "POST" when answer.CreatedId is not null => "CREATE",
                    "POST" => "ACTION",
                    _ => "UPDATE",
                };
                realm.RecordAdministration(
                    operation,
                    resourceType,
                    path,
                    token?.Subject,
                    token is null ? "admin-cli" : TokenIssuer.Text(token, "azp"),
                    request.Address
                );
                realm.Changed();
            }
            return answer.CreatedId is { } id ? answer with { Location = $"{realm.PublicUrl}{request.Http.Request.Path}/{id}" } : answer;
        };

    private static HashSet<string> Roles(JsonWebToken token) =>
        [.. JsonNode.Parse(Base64UrlEncoder.Decode(token.EncodedPayload))!["resource_access"]?["realm-management"]?["roles"].Texts() ?? []];
}
