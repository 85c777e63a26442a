using System.Net;
using System.Text;
using Platform.Identity.EmbeddedRealm.SignIn;
using Platform.Identity.EmbeddedRealm.State;

namespace Platform.Identity.EmbeddedRealm.OAuth;

/// <summary>The pages that a person sees. All text is encoded; there are no scripts.</summary>
internal static class Pages
{
    public static Answer Login(ServedRealm realm, PendingSignIn pending, string? username, string? problem) =>
        Page(
            realm,
            $"Sign in to {Title(realm)}",
            $"""
            {(problem is null ? "" : $"<p class=\"problem\" role=\"alert\">{Text(problem)}</p>")}
            <form method="post" action="{Action(realm, "authenticate", pending)}">
              <label for="username">Username or email</label>
              <input id="username" name="username" value="{Text(username ?? "")}" autocomplete="username" required autofocus>
              <label for="password">Password</label>
              <input id="password" name="password" type="password" autocomplete="current-password" required>
              <input type="hidden" name="credentialId" value="">
              <button type="submit">Sign in</button>
            </form>
            """
        );

    /// <param name="scopes">Those that the person has not agreed to yet.</param>
    public static Answer Consent(ServedRealm realm, PendingSignIn pending, IEnumerable<string> scopes)
    {
        var lines = new StringBuilder();
        foreach (
            var scope in scopes
                .Select(name => realm.FindScope(name)!)
                .OrderBy(scope => int.TryParse((string?)scope["attributes"]?["gui.order"], out var order) ? order : 0)
        )
        {
            lines
                .Append("    <li>")
                .Append(Text((string?)scope["attributes"]?["consent.screen.text"] ?? (string)scope["name"]!))
                .Append("</li>\n");
        }

        return Page(
            realm,
            $"Grant access to {pending.Request.Client.Name}",
            $"""
            <p>You will be sent back to <b>{Text(Host(pending.Request.RedirectUri))}</b>. Do you grant these access privileges?</p>
            <ul>
            {lines}</ul>
            <form method="post" action="{Action(realm, "consent", pending)}">
              <input type="hidden" name="code" value="{Text(pending.Id)}">
              <button type="submit" name="accept" value="yes">Yes</button>
              <button type="submit" name="cancel" value="no" class="quiet">No</button>
            </form>
            """
        );
    }

    public static Answer ConfirmLogout(ServedRealm realm) =>
        Page(
            realm,
            "Logging out",
            $"""
            <p>Do you want to log out?</p>
            <form method="post" action="{Text($"{realm.Issuer}/protocol/openid-connect/logout")}">
              <button type="submit" name="confirm" value="yes">Log out</button>
            </form>
            """
        );

    public static Answer Message(ServedRealm realm, string title, string text) => Page(realm, title, $"<p>{Text(text)}</p>");

    public static Answer Problem(ServedRealm realm, string text) =>
        Page(realm, "We are sorry...", $"<p class=\"problem\" role=\"alert\">{Text(text)}</p>", 400);

    private static Answer Page(ServedRealm realm, string title, string content, int status = 200) =>
        Answer.Html(
            $$"""
            <!doctype html>
            <html lang="en">
            <head>
              <meta charset="utf-8">
              <meta name="viewport" content="width=device-width, initial-scale=1">
              <title>{{Text(title)}}</title>
              <style>
                body { font: 16px/1.5 system-ui, sans-serif; background: #f2f3f5; color: #1c1e21; margin: 0;
                  display: grid; place-items: center; min-height: 100vh }
                main { background: #fff; padding: 2rem; border-radius: 8px; width: min(26rem, 90vw);
                  box-sizing: border-box; box-shadow: 0 1px 4px #0003 }
                h1 { font-size: 1.3rem; margin: 0 0 1rem } label { display: block; margin-top: .8rem }
                input { width: 100%; padding: .5rem; font: inherit; border: 1px solid #767b82; border-radius: 4px; box-sizing: border-box }
                button { margin-top: 1.2rem; padding: .5rem 1.2rem; font: inherit; border: 0; border-radius: 4px;
                  background: #0b57d0; color: #fff }
                .quiet { background: #e4e6e9; color: inherit } .problem { color: #b3261e }
                footer { color: #5f6368; font-size: .8rem; margin-top: 1.5rem }
              </style>
            </head>
            <body>
              <main>
                <h1>{{Text(title)}}</h1>
                {{content}}
                <footer>{{Text(Title(realm))}}: embedded development realm. Not for real accounts.</footer>
              </main>
            </body>
            </html>
            """,
            status
        );

    private static string Title(ServedRealm realm) =>
        (string?)realm.State.Settings["displayName"] is { Length: > 0 } name ? name : realm.Name;

    private static string Action(ServedRealm realm, string what, PendingSignIn pending) =>
        Text($"{realm.Issuer}/login-actions/{what}?tab={pending.Id}");

    private static string Host(string redirect) =>
        Uri.TryCreate(redirect, UriKind.Absolute, out var uri) ? $"{uri.Scheme}://{uri.Authority}" : redirect;

    private static string Text(string text) => WebUtility.HtmlEncode(text);
}
