using System.Text.Json;
using System.Text.RegularExpressions;
using CsCheck;
using Platform.Demo;

namespace Platform.EndToEnd.Tests.Fuzz;

/// <summary>Requests to what is not MCP: the governance API, the page of invitations, and the doors to the sign-in server.</summary>
internal sealed partial class DoorGen(Pool pool, SchemaGen schemas)
{
    private const string Realm = "/realms/platform";
    private const string Protocol = $"{Realm}/protocol/openid-connect";
    private const string Form = "application/x-www-form-urlencoded";

    private static readonly string[] _verbs = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"];

    // No attempt closes what the others come through: `enabled` and `writeAccess` stay as they are.
    private const string Bodies = """
        {"anyOf":[
        {"type":"object","properties":{"name":{"type":"string"},"scopes":{"type":"array","items":{"enum":["workspace:read","audit:read"]}},
            "expiresInDays":{"type":"integer"}},"required":["name","scopes"]},
        {"type":"object","properties":{"strictAudit":{"type":"boolean"},"productionAccess":{"enum":[true]}}},
        {"type":"object"}]}
        """;

    private const string Registration = """
        {"type":"object","properties":{"redirect_uris":{"type":"array","minItems":1,"items":{"enum":["http://127.0.0.1:1/callback",
            "http://localhost/callback","cursor://x/callback","https://x.example/cb","javascript:alert(1)","*"]}},
        "client_name":{"type":"string"},"client_uri":{"type":"string"},"logo_uri":{"type":"string"},
        "scope":{"enum":["openid","workspace:read","openid audit:read"]},
        "token_endpoint_auth_method":{"enum":["none","client_secret_basic","client_secret_post","x"]},
        "grant_types":{"type":"array","items":{"enum":["authorization_code","refresh_token","client_credentials"]}},
        "response_types":{"type":"array","items":{"enum":["code","token"]}},"contacts":{"type":"array","items":{"type":"string"}},
        "software_id":{"type":"string"},"application_type":{"enum":["native","web"]}},
        "required":["redirect_uris"]}
        """;

    // Each with the fields that mean something there.
    private static readonly (string Path, string[] Fields)[] _doors =
    [
        (
            $"{Protocol}/auth",
            [
                "response_type=code",
                "client_id=mcp-public",
                "redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2Fcallback",
                "scope=openid",
                "state=s",
                "code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
                "code_challenge_method=S256",
                "prompt=none",
                "max_age=0",
                "login_hint=x",
                "ui_locales=de",
                "claims=%7B%7D",
                "nonce=n",
                "response_mode=query",
            ]
        ),
        (
            $"{Protocol}/token",
            ["grant_type=authorization_code", "code=x", "client_id=mcp-public", "redirect_uri=http%3A%2F%2F127.0.0.1%2F", "code_verifier=x"]
        ),
        ($"{Protocol}/token", ["grant_type=refresh_token", "refresh_token=x", "client_id=mcp-public", "scope=openid", "client_secret=x"]),
        ($"{Protocol}/revoke", ["token=x", "client_id=mcp-public", "token_type_hint=refresh_token"]),
        ($"{Protocol}/userinfo", ["access_token=x"]),
        ($"{Protocol}/certs", []),
        (
            $"{Protocol}/logout",
            ["id_token_hint=x", "client_id=mcp-public", "post_logout_redirect_uri=http%3A%2F%2F127.0.0.1%2F", "state=s"]
        ),
        ($"{Protocol}/logout/logout-confirm", ["session_code=x", "tab_id=x"]),
        (
            $"{Realm}/login-actions/authenticate",
            ["session_code=x", "execution=x", "client_id=mcp-public", "tab_id=x", "username=a", "password=b"]
        ),
        ($"{Realm}/login-actions/consent", ["session_code=x", "accept=1"]),
        ($"{Realm}/login-actions/required-action", ["execution=x", "session_code=x"]),
        ($"{Realm}/login-actions/action-token", ["key=x"]),
        ($"{Realm}/account/", ["referrer=x"]),
        ($"{Realm}", []),
        ("/.well-known/oauth-authorization-server/realms/platform", ["x=y"]),
        ("/.well-known/openid-configuration", []),
        ("/.well-known/oauth-protected-resource", ["toolsets=all"]),
        ("/.well-known/oauth-protected-resource/mcp", ["toolsets=all", "readOnly=true"]),
        ("/resources/x/y.css", []),
        ("/connect", ["x=y"]),
        ("/join", ["token=x", "name=Ada", "password=longer+than+that", "again=longer+than+that"]),
    ];

    /// <summary>Every route of the governance API as its source maps it, with every verb.</summary>
    public Gen<Attempt> Governance(string prefix, Credentials credentials)
    {
        var source = File.ReadAllText(Path.Combine(Checkout.Root, "identity/Service/Governance/GovernanceApi.cs"));
        var routes = Route()
            .Matches(source)
            .Select(match =>
                (
                    Verb: match.Groups[2].Value.ToUpperInvariant(),
                    Path: (match.Groups[1].Value == "api" ? "" : "/workspaces/{workspace}") + match.Groups[3].Value
                )
            )
            .ToList();
        Assert.True(routes.Count >= 10, "The routes of the governance API are not where they were.");
        using var bodies = JsonDocument.Parse(Bodies);
        var body = schemas.Of(bodies.RootElement.Clone());
        return Gen.OneOf([
            .. routes.Select(route =>
                Gen.Select(
                        Gen.Frequency((8, Gen.Const(route.Verb)), (1, Gen.OneOf(_verbs))),
                        Path_(route.Path),
                        Query("member=all", "limit=1", "cursor=x"),
                        Requests.Headers(("Content-Type", "application/json")),
                        body,
                        Requests.AnyFraming,
                        credentials.Any
                    )
                    .Select(
                        (verb, path, query, headers, text, framing, token) =>
                            new Attempt(
                                $"governance {verb} {route.Path}",
                                verb,
                                $"{prefix}{path}{query}",
                                [.. headers, .. token.Headers],
                                verb is "GET" or "HEAD" or "OPTIONS" ? null : text,
                                framing
                            )
                    )
            ),
        ]);
    }

    public Gen<Attempt> Doors()
    {
        var verbs = Gen.Frequency((6, Gen.OneOf("GET", "POST")), (1, Gen.OneOf(_verbs)));
        return Gen.OneOf([
            .. _doors.Select(door =>
                Gen.Select(
                        verbs,
                        Query(door.Fields),
                        Fields(door.Fields),
                        Requests.Headers(("Content-Type", Form)),
                        Requests.AnyFraming,
                        Gen.Frequency((12, Gen.Const("")), (1, Hostile.UrlText))
                    )
                    .Select(
                        (verb, query, form, headers, framing, rest) =>
                            new Attempt(
                                $"door {verb} {door.Path}",
                                verb,
                                verb == "POST" ? $"{door.Path}{rest}" : $"{door.Path}{rest}{query}",
                                headers,
                                verb is "POST" or "PUT" or "PATCH" ? form : null,
                                framing
                            )
                    )
            ),
        ]);
    }

    public Gen<Attempt> Registrations()
    {
        using var schema = JsonDocument.Parse(Registration);
        return Gen.Select(
            schemas.Around(schema.RootElement.Clone()),
            Requests.Headers(("Content-Type", "application/json")),
            Requests.AnyFraming,
            (body, headers, framing) =>
                new Attempt("registration", "POST", $"{Realm}/clients-registrations/openid-connect", headers, body, framing)
        );
    }

    private Gen<string> Path_(string route)
    {
        var path = Gen.Const("");
        foreach (var part in route.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            var text = part switch
            {
                "{workspace}" => Gen.Frequency((12, Known("wks")), (1, Hostile.UrlText)),
                "{token}" => Gen.Frequency((3, Known("tok")), (2, Hostile.UrlText)),
                "{client}" => Gen.Frequency((3, Known("client_id")), (1, Gen.Const("mcp-public")), (2, Hostile.UrlText)),
                "{stream}" => Gen.Frequency((3, Known("str")), (2, Hostile.UrlText)),
                ['{', ..] => Hostile.UrlText,
                _ => Gen.Const(part),
            };
            path = Gen.Select(path, text, (before, next) => $"{before}/{next}");
        }

        return path;
    }

    private Gen<string> Known(string kind) => Gen.Int[0, 10_000].Select(index => Uri.EscapeDataString(pool.Pick(kind, index)));

    private Gen<string> Query(params string[] fields) => Fields(fields).Select(text => text.Length == 0 ? "" : $"?{text}");

    // Mostly as it should be; some fields missing, twice there, or with another value.
    private Gen<string> Fields(string[] fields)
    {
        var all = Gen.Const("");
        foreach (var field in fields)
        {
            var name = field.Split('=')[0];
            var usual = Gen.Const(field);
            var other = Hostile.UrlText.Select(value => $"{name}={value}");
            var token = Gen.Int[0, 10_000]
                .Select(index => $"{name}={Uri.EscapeDataString(pool.Pick(name == "client_id" ? name : "token", index))}");
            all = Gen.Select(
                all,
                Gen.Frequency(
                    (20, usual),
                    (4, Gen.Const("")),
                    (4, other),
                    (2, token),
                    (1, Gen.Select(usual, other, (first, second) => $"{first}&{second}")),
                    (1, Gen.Select(Hostile.UrlText, Hostile.UrlText, (key, value) => $"{key}={value}"))
                ),
                (before, next) =>
                    before.Length == 0 ? next
                    : next.Length == 0 ? before
                    : $"{before}&{next}"
            );
        }

        return all;
    }

    [GeneratedRegex("""(api|workspace)\.Map(Get|Post|Put|Delete)\("([^"]+)""")]
    private static partial Regex Route();
}
