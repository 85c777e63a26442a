using System.Text.Json.Nodes;
using Microsoft.AspNetCore.WebUtilities;
using Platform.Identity.EmbeddedRealm.SignIn;
using Platform.Identity.EmbeddedRealm.State;
using Platform.Identity.EmbeddedRealm.Tokens;

namespace Platform.Identity.EmbeddedRealm.OAuth;

/// <summary>
/// The authorization endpoint and the pages behind it: what a client asks for is checked, the person signs in, agrees to what is new, and
/// is
/// sent back with a code. Every answer to the client names the issuer (RFC 9207).
/// </summary>
internal static class Authorization
{
    private const string BrowserCookie = "REALM_BROWSER";
    private const string SessionCookie = "REALM_SESSION";

    public static async ValueTask<Answer> Begin(RealmRequest request)
    {
        var realm = request.Realm;
        if (request.Repeated() is { } twice)
        {
            return Pages.Problem(realm, $"Invalid request: the parameter {twice} is there twice.");
        }

        if (realm.FindClient(request.Parameter("client_id")) is not { IsEnabled: true } client)
        {
            return Refuse(request, null, "client_not_found", "Client not found.");
        }

        if (request.Parameter("redirect_uri") is not { } redirect || !RedirectUris.IsAllowed(client, redirect))
        {
            return Refuse(request, client, "invalid_redirect_uri", "Invalid parameter: redirect_uri");
        }

        var asked = Read(request, client, redirect, out var error, out var description);
        if (error is not null)
        {
            realm.Record("LOGIN_ERROR", client.ClientId, request.Address, error: error, details: ("reason", description));
            return Back(realm, redirect, asked.ResponseMode, asked.State, ("error", error), ("error_description", description));
        }

        var browser = request.Http.Request.Cookies[BrowserCookie] ?? Handles.New();
        request.SetCookie(BrowserCookie, browser);
        var pending = realm.Pending.Begin(browser, asked, realm.Seconds("accessCodeLifespanLogin", 1800));
        pending.Session = await SessionAsync(request);
        var prompts = asked.Prompt.Split(' ');
        var isOld =
            request.Parameter("max_age") is { } age
            && int.TryParse(age, System.Globalization.CultureInfo.InvariantCulture, out var seconds)
            && pending.Session is { } session
            && realm.Now > session.Signed + TimeSpan.FromSeconds(seconds);
        if (pending.Session is not null && !prompts.Contains("login") && !isOld)
        {
            return Continue(request, pending);
        }

        if (prompts.Contains("none"))
        {
            return End(realm, pending, ("error", "login_required"));
        }

        return Pages.Login(realm, pending, request.Parameter("login_hint"), null);
    }

    /// <summary>The login form came back.</summary>
    public static ValueTask<Answer> SignIn(RealmRequest request) => ValueTask.FromResult(SignInNow(request));

    /// <summary>The consent form came back.</summary>
    public static ValueTask<Answer> Consent(RealmRequest request) => ValueTask.FromResult(ConsentNow(request));

    /// <summary>The session of the browser that asks, and that is alive.</summary>
    public static async Task<Session?> SessionAsync(RealmRequest request) =>
        await TokenIssuer.OpenAsync(request.Realm, request.Http.Request.Cookies[SessionCookie], "Session") is { } cookie
        && request.Realm.FindSession(TokenIssuer.Text(cookie, "sid")) is { } session
        && request.Realm.FindUser(session.UserId) is { Enabled: true }
            ? session
            : null;

    public static void ForgetBrowser(RealmRequest request) => request.RemoveCookie(SessionCookie);

    private static Answer SignInNow(RealmRequest request)
    {
        var realm = request.Realm;
        if (Pending(request) is not { } pending)
        {
            return Pages.Problem(realm, "This sign-in is over, or began in another browser. Go back to the application and try again.");
        }

        var client = pending.Request.Client;
        var login = (request.Field("username") ?? "").Trim();
        var user = realm.FindUserByLogin(login);
        // Verified in any case: the time must not tell which names there are.
        var isRight = Passwords.Verify(user?.PasswordHash, request.Field("password") ?? "");
        var locked = user is not null && realm.IsOn("bruteForceProtected") && BruteForce.IsLocked(realm, user);
        if (user is null || locked || !isRight)
        {
            if (user is not null && !locked)
            {
                BruteForce.Failed(realm, user, request.Address);
            }

            realm.Record(
                "LOGIN_ERROR",
                client.ClientId,
                request.Address,
                user?.Id,
                error: user is null ? "user_not_found"
                    : locked ? "user_temporarily_disabled"
                    : "invalid_user_credentials",
                details: ("username", login)
            );
            return Pages.Login(realm, pending, login, "Invalid username or password.");
        }
        var problem =
            !user.Enabled ? ("user_disabled", "Account is disabled, contact your administrator.")
            : user.RequiredActions.Count > 0
                ? (
                    "resolve_required_actions",
                    $"Account is not fully set up ({string.Join(", ", user.RequiredActions)}), "
                        + "and the embedded realm has no pages for that."
                )
            : realm.IsOn("verifyEmail") && !user.EmailVerified
                ? ("email_not_verified", "You need to verify your email address, and the embedded realm sends no mail.")
            : (ValueTuple<string, string>?)null;
        if (problem is var (error, text))
        {
            realm.Record("LOGIN_ERROR", client.ClientId, request.Address, user.Id, error: error, details: ("username", login));
            return Pages.Login(realm, pending, login, text);
        }

        BruteForce.Succeeded(realm, user);
        if (pending.Session?.UserId != user.Id)
        {
            pending.Session = new Session
            {
                Id = Guid.NewGuid().ToString(),
                UserId = user.Id,
                Started = realm.Now,
            };
            realm.State.Sessions.Add(pending.Session);
        }
        pending.Session.Signed = pending.Session.LastUsed = realm.Now;
        pending.Session.Address = request.Address;
        var cookie = TokenIssuer.Claims(realm, "Session", realm.Seconds("ssoSessionMaxLifespan", 36000));
        cookie["sid"] = pending.Session.Id;
        request.SetCookie(SessionCookie, TokenIssuer.Seal(realm, cookie));
        realm.Prune();
        realm.Changed();
        return Continue(request, pending);
    }

    private static Answer ConsentNow(RealmRequest request)
    {
        var realm = request.Realm;
        if (
            Pending(request) is not { Session: { } session } pending
            || realm.FindSession(session.Id) is null
            || realm.FindUser(session.UserId) is not { Enabled: true } user
        )
        {
            return Pages.Problem(realm, "This sign-in is over, or began in another browser. Go back to the application and try again.");
        }

        if (request.Field("accept") is null)
        {
            realm.Record("LOGIN_ERROR", pending.Request.Client.ClientId, request.Address, user.Id, session.Id, "rejected_by_user");
            return End(realm, pending, ("error", "access_denied"));
        }
        var consent = user.Consents.Find(consent => consent.ClientId == pending.Request.Client.ClientId);
        if (consent is null)
        {
            user.Consents.Add(consent = new Consent { ClientId = pending.Request.Client.ClientId, Created = realm.Now });
        }

        consent.Scopes.UnionWith(Asked(realm, pending.Request));
        consent.Changed = realm.Now;
        realm.Record("GRANT_CONSENT", consent.ClientId, request.Address, user.Id, session.Id);
        realm.Changed();
        return SendCode(request, pending, user);
    }

    private static Answer Continue(RealmRequest request, PendingSignIn pending)
    {
        var realm = request.Realm;
        var user = realm.FindUser(pending.Session!.UserId)!;
        var prompts = pending.Request.Prompt.Split(' ');
        var agreed = user.Consents.Find(consent => consent.ClientId == pending.Request.Client.ClientId)?.Scopes ?? [];
        var missing = Asked(realm, pending.Request).Where(scope => prompts.Contains("consent") || !agreed.Contains(scope)).ToList();
        if (!pending.Request.Client.ConsentRequired || missing.Count == 0)
        {
            return SendCode(request, pending, user);
        }

        return prompts.Contains("none")
            ? End(realm, pending, ("error", "interaction_required"), ("error_description", "The person has to agree first."))
            : Pages.Consent(realm, pending, missing);
    }

    private static Answer SendCode(RealmRequest request, PendingSignIn pending, User user)
    {
        var realm = request.Realm;
        pending.Session!.LastUsed = realm.Now;
        var code = realm.Codes.Issue(pending.Request, user.Id, pending.Session, realm.Seconds("accessCodeLifespan", 60));
        realm.Record(
            "LOGIN",
            pending.Request.Client.ClientId,
            request.Address,
            user.Id,
            pending.Session.Id,
            details: ("username", user.Username)
        );
        return End(realm, pending, ("session_state", pending.Session.Id), ("code", code));
    }

    /// <summary>The scopes that a person is asked about.</summary>
    private static IEnumerable<string> Asked(ServedRealm realm, AuthorizationRequest asked) =>
        asked.Scopes.Where(scope => realm.FindScope(scope)?["attributes"]?["display.on.consent.screen"].IsTrue() == true);

    private static PendingSignIn? Pending(RealmRequest request) =>
        request.Realm.Pending.Find(request.Query("tab") ?? request.Field("code"), request.Http.Request.Cookies[BrowserCookie]);

    private static Answer Refuse(RealmRequest request, Client? client, string error, string text)
    {
        request.Realm.Record("LOGIN_ERROR", client?.ClientId ?? request.Parameter("client_id"), request.Address, error: error);
        return Pages.Problem(request.Realm, text);
    }

    private static AuthorizationRequest Read(
        RealmRequest request,
        Client client,
        string redirect,
        out string? error,
        out string? description
    )
    {
        var scopes = client.DefaultScopes.ToHashSet();
        var wanted = request.Parameter("scope");
        scopes.UnionWith((wanted ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries));
        var mode = request.Parameter("response_mode") ?? "query";
        var asked = new AuthorizationRequest(
            client,
            redirect,
            mode == "fragment" ? mode : "query",
            scopes,
            request.Parameter("state"),
            request.Parameter("nonce"),
            request.Parameter("code_challenge"),
            request.Parameter("prompt") ?? ""
        );
        var method = request.Parameter("code_challenge_method");
        (error, description) = true switch
        {
            _ when !client.StandardFlow => ("unauthorized_client", "Client is not allowed to initiate browser login."),
            _ when request.Parameter("response_type") is null => ("invalid_request", "Missing parameter: response_type"),
            _ when request.Parameter("response_type") != "code" => ("unsupported_response_type", "Only the code flow is served."),
            _ when mode is not ("query" or "fragment") => ("invalid_request", "Invalid parameter: response_mode"),
            _ when request.Parameter("request") is not null => ("request_not_supported", null),
            _ when request.Parameter("request_uri") is not null => ("request_uri_not_supported", null),
            _ when wanted is "" || Scopes.Unknown(client, scopes) is not null => ("invalid_scope", $"Invalid scopes: {wanted}"),
            _ when NeedsPkce(request.Realm, client) && method is null => ("invalid_request", "Missing parameter: code_challenge_method"),
            _ when method is not (null or "S256") => (
                "invalid_request",
                "Invalid parameter: code challenge method is not matching the configured one"
            ),
            _ when method is not null && asked.CodeChallenge is null => ("invalid_request", "Missing parameter: code_challenge"),
            _ when asked.CodeChallenge is not null && method is null => ("invalid_request", "Missing parameter: code_challenge_method"),
            _ when asked.CodeChallenge is { Length: < 43 or > 128 } => ("invalid_request", "Invalid parameter: code_challenge"),
            _ => ((string?)null, (string?)null),
        };
        return asked;
    }

    /// <summary>By the client's own attribute, or by a client policy for every client.</summary>
    private static bool NeedsPkce(ServedRealm realm, Client client)
    {
        if (client.Attribute("pkce.code.challenge.method") is { Length: > 0 })
        {
            return true;
        }

        var enforcing = realm
            .State.ClientProfiles.OfType<JsonObject>()
            .Where(profile => (profile["executors"] as JsonArray ?? []).Any(executor => (string?)executor!["executor"] == "pkce-enforcer"))
            .Select(profile => (string)profile["name"]!)
            .ToHashSet();
        return realm
            .State.ClientPolicies.OfType<JsonObject>()
            .Any(policy =>
                policy["enabled"].IsTrue()
                && policy["profiles"].Texts().Any(enforcing.Contains)
                && (policy["conditions"] as JsonArray ?? []).Any(condition => (string?)condition!["condition"] == "any-client")
            );
    }

    private static Answer End(ServedRealm realm, PendingSignIn pending, params (string Name, string? Value)[] answer)
    {
        realm.Pending.End(pending);
        return Back(realm, pending.Request.RedirectUri, pending.Request.ResponseMode, pending.Request.State, answer);
    }

    private static Answer Back(ServedRealm realm, string redirect, string mode, string? state, params (string Name, string? Value)[] answer)
    {
        var parameters = answer
            .Where(parameter => parameter.Value is not null)
            .Prepend(("state", state))
            .Append(("iss", realm.Issuer))
            .Where(parameter => parameter.Item2 is not null)
            .Select(parameter => KeyValuePair.Create(parameter.Item1, parameter.Item2));
        return mode == "fragment"
            ? Answer.Redirect($"{redirect}#{QueryHelpers.AddQueryString("", parameters)[1..]}")
            : Answer.Redirect(QueryHelpers.AddQueryString(redirect, parameters));
    }
}
