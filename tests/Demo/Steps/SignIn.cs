using ModelContextProtocol.Authentication;
using Platform.Testing;

namespace Platform.Demo.Steps;

/// <summary>Signs in as a person does: on the real login and consent pages.</summary>
internal static class SignIn
{
    /// <summary>Redirects of registered clients are exact; nothing listens there, because the browser stops before it.</summary>
    public static Uri Redirect { get; } = new("http://127.0.0.1:33418/callback");

    /// <param name="clientId">A client that the realm knows already; null to register by itself.</param>
    /// <param name="consent">Whether the person says yes.</param>
    /// <param name="pages">Told the lines of each consent page.</param>
    public static ClientOAuthOptions As(
        DemoMember member,
        SignInBrowser browser,
        string? clientId,
        bool consent = true,
        Action<IReadOnlyList<string>>? pages = null
    ) =>
        new()
        {
            RedirectUri = Redirect,
            ClientId = clientId,
            DynamicClientRegistration = new DynamicClientRegistrationOptions { ClientName = "Platform demo", ApplicationType = "native" },
            AuthorizationCallbackHandler = async (context, cancellationToken) =>
            {
                var callback = await browser.SignInAsync(
                    context.AuthorizationUri,
                    context.RedirectUri.ToString(),
                    member.Username,
                    member.Password,
                    consent,
                    cancellationToken
                );
                pages?.Invoke(browser.ConsentLines);
                return callback.TryGetValue("error", out var error)
                    ? throw new SignInRefusedException(error)
                    : new AuthorizationResult
                    {
                        Code = callback["code"],
                        State = callback["state"],
                        Iss = callback.GetValueOrDefault("iss"),
                    };
            },
        };

    /// <summary>Signs the owner in by every way there is, and returns the one that the rest of the demo goes on with.</summary>
    public static async Task<Agent> RunAsync(
        Endpoints endpoints,
        SignInBrowser browser,
        CallLog log,
        Story story,
        CancellationToken cancellationToken
    )
    {
        var owner = endpoints.Owner;
        if (endpoints.Issuer is null)
        {
            story.Say("There is no Keycloak here, so nobody can sign in by OAuth: personal tokens only.");
        }
        else
        {
            await using var known = await Agent.ConnectAsync(
                endpoints.Mcp,
                "mcp-public",
                As(owner, browser, "mcp-public", pages: Tell),
                log,
                cancellationToken
            );
            await IntroduceAsync(known, "by OAuth, with the client everybody may use (mcp-public)");
        }

        var byToken = await Agent.ConnectAsync(endpoints.Mcp, "token", owner.Token, log, cancellationToken);
        await IntroduceAsync(byToken, "by personal token");
        if (endpoints.Issuer is null)
        {
            return byToken;
        }

        await byToken.DisposeAsync();
        var registered = await Agent.ConnectAsync(
            endpoints.Mcp,
            "registered",
            As(owner, browser, null, pages: Tell),
            log,
            cancellationToken
        );
        await IntroduceAsync(registered, "by OAuth, with a client that registered itself");
        return registered;

        void Tell(IReadOnlyList<string> lines)
        {
            story.Say($"On the consent page, {owner.Username} agrees to:");
            foreach (var line in lines)
            {
                story.Say($"  - {line}");
            }
        }

        async Task IntroduceAsync(Agent agent, string how)
        {
            var me = await agent.CallUntilAnsweredAsync("whoami", new { }, cancellationToken);
            var tools = await agent.ListToolsAsync(cancellationToken);
            story.Check(tools.Contains("create_records"), $"Signed in {how}: {tools.Count} tools, MCP {agent.ProtocolVersion}.");
            story.Say($"whoami: {me.GetRawText()[..Math.Min(me.GetRawText().Length, 300)]}");
        }
    }
}

/// <summary>The person, or the realm, said no.</summary>
internal sealed class SignInRefusedException(string error) : Exception($"The sign-in ended in {error}.")
{
    public string Error => error;
}
