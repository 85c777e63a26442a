using System.Text.Json.Nodes;
using Platform.Identity.EmbeddedRealm.State;

namespace Platform.Identity.EmbeddedRealm.Tokens;

internal enum TokenKind
{
    Access,
    Id,
    UserInfo,
}

/// <summary>Whom a token is about, and for whom it is.</summary>
internal sealed record TokenSubject(
    ServedRealm Realm,
    User User,
    Client Client,
    IReadOnlyCollection<string> Scopes,
    DateTimeOffset? SignedIn
);

/// <summary>What client scopes put into tokens, by Keycloak's names.</summary>
internal static class ProtocolMappers
{
    private static readonly Dictionary<string, Action<TokenSubject, JsonNode, JsonObject>> s_known = new()
    {
        ["oidc-sub-mapper"] = (subject, _, claims) => claims["sub"] = subject.User.Id,
        ["oidc-usersessionmodel-note-mapper"] = MapNote,
        ["oidc-audience-mapper"] = (_, config, claims) =>
            AddAudience(
                claims,
                (string?)config["included.client.audience"] is { Length: > 0 } client ? client : (string?)config["included.custom.audience"]
            ),
        ["oidc-audience-resolve-mapper"] = (subject, _, claims) =>
        {
            foreach (
                var client in Visible(subject)
                    .Where(role => role.Contains('/', StringComparison.Ordinal))
                    .Select(role => role.Split('/')[0])
                    .Distinct()
            )
            {
                if (client != subject.Client.ClientId)
                {
                    AddAudience(claims, client);
                }
            }
        },
        ["oidc-usermodel-client-role-mapper"] = MapClientRoles,
        ["oidc-usermodel-attribute-mapper"] = (subject, config, claims) =>
            MapProperty(subject, (string?)config["user.attribute"], config, claims),
        ["oidc-usermodel-property-mapper"] = (subject, config, claims) =>
            MapProperty(subject, (string?)config["user.attribute"], config, claims),
        ["oidc-full-name-mapper"] = (subject, _, claims) => claims["name"] = $"{subject.User.FirstName} {subject.User.LastName}".Trim(),
    };

    public static bool Knows(string? mapper) => mapper is not null && s_known.ContainsKey(mapper);

    public static void Apply(TokenSubject subject, TokenKind kind, JsonObject claims)
    {
        var setting = kind switch
        {
            TokenKind.Access => "access.token.claim",
            TokenKind.Id => "id.token.claim",
            _ => "userinfo.token.claim",
        };
        foreach (var scope in subject.Scopes.Select(subject.Realm.FindScope).OfType<JsonObject>())
        {
            foreach (var mapper in (scope["protocolMappers"] as JsonArray ?? []).OfType<JsonObject>())
            {
                if (mapper["config"] is { } config && config[setting].IsTrue())
                {
                    s_known[(string)mapper["protocolMapper"]!](subject, config, claims);
                }
            }
        }
    }

    private static HashSet<string> Visible(TokenSubject subject) =>
        Roles.Visible(subject.Realm, subject.User, subject.Client, subject.Scopes);

    private static void MapNote(TokenSubject subject, JsonNode config, JsonObject claims)
    {
        if ((string?)config["user.session.note"] == "AUTH_TIME" && subject.SignedIn is { } at)
        {
            claims[(string)config["claim.name"]!] = at.ToUnixTimeSeconds();
        }
    }

    private static void MapClientRoles(TokenSubject subject, JsonNode config, JsonObject claims)
    {
        var client = (string)config["usermodel.clientRoleMapping.clientId"]!;
        var roles = Visible(subject)
            .Where(role => role.StartsWith(client + "/", StringComparison.Ordinal))
            .Select(role => role[(client.Length + 1)..])
            .ToList();
        if (roles.Count > 0)
        {
            Put(
                claims,
                ((string)config["claim.name"]!).Split('.').Select(part => part.Replace("${client_id}", client, StringComparison.Ordinal)),
                roles.ToJson()
            );
        }
    }

    private static void MapProperty(TokenSubject subject, string? property, JsonNode config, JsonObject claims)
    {
        JsonNode? value = property switch
        {
            "username" => subject.User.Username,
            "email" => subject.User.Email,
            "emailVerified" => subject.User.EmailVerified,
            "firstName" => subject.User.FirstName,
            "lastName" => subject.User.LastName,
            "id" => subject.User.Id,
            { } attribute => subject.User.Attributes[attribute] is JsonArray { Count: > 0 } values ? values[0]!.DeepClone() : null,
            null => null,
        };
        if (value is not null)
        {
            Put(claims, ((string)config["claim.name"]!).Split('.'), value);
        }
    }

    private static void Put(JsonObject claims, IEnumerable<string> path, JsonNode value)
    {
        var names = path.ToList();
        var parent = claims;
        foreach (var name in names.SkipLast(1))
        {
            parent = (parent[name] ??= new JsonObject()).AsObject();
        }

        parent[names[^1]] = value;
    }

    private static void AddAudience(JsonObject claims, string? audience)
    {
        if (string.IsNullOrEmpty(audience))
        {
            return;
        }

        var audiences =
            claims["aud"] is JsonArray several ? several.Texts()
            : claims["aud"] is { } one ? [one.ToString()]
            : [];
        List<string> all = [.. audiences.Append(audience).Distinct()];
        claims["aud"] = all.Count == 1 ? all[0] : all.ToJson();
    }
}
