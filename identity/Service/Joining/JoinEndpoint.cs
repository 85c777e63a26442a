using System.Globalization;
using System.Net;
using Grpc.Core;
using Microsoft.AspNetCore.Http.Features;
using Platform.Directory.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.Identity.Service.Keycloak;

namespace Platform.Identity.Service.Joining;

/// <summary>
/// The page behind an invitation's link. Looking changes nothing, since mail scanners follow links; the button accepts. A person who is
/// invited to a workspace and has no account chooses a password on the page that comes back. The link is the only credential: there is no
/// cookie that another site could use.
/// </summary>
internal static partial class JoinEndpoint
{
    private const int MaxName = 100;
    private const int MaxPassword = 1024;
    private const string HowToConnect = "<a href=\"connect\">how to connect</a>";
    private const string NotYet = "<p>You have not joined yet. Open the link from your mail again in a moment, and accept.</p>";
    private const string Log = "Platform.Identity.Join";

    public static void MapJoinPage(this WebApplication app)
    {
        var log = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger(Log);
        app.MapGet(JoinPage.Path, (HttpContext http, InvitationAcceptance invitations) =>
            AnswerAsync(http, log, () => ShowAsync(http, invitations))
        );
        app.MapPost(JoinPage.Path, (HttpContext http, InvitationAcceptance invitations) =>
            AnswerAsync(http, log, () => AcceptAsync(http, invitations))
        );
    }

    private static async Task<Page> ShowAsync(HttpContext http, InvitationAcceptance invitations)
    {
        var token = http.Request.Query["token"].ToString();
        return Describe(new Acceptance(await invitations.FindAsync(token, http.RequestAborted)), token, "");
    }

    private static async Task<Page> AcceptAsync(HttpContext http, InvitationAcceptance invitations)
    {
        // A form of another site can only accept what its owner was invited to; there is no reason to let it.
        if (http.Request.Headers["Sec-Fetch-Site"].ToString() is not ("" or "same-origin" or "none"))
        {
            return new Page(
                StatusCodes.Status403Forbidden,
                "Not from here",
                "<p>Open the link from your mail, and accept the invitation there.</p>"
            );
        }

        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
        {
            limit.MaxRequestBodySize = JoinPage.MaxForm;
        }

        if (!http.Request.HasFormContentType || http.Request.ContentLength > JoinPage.MaxForm)
        {
            return new Page(
                StatusCodes.Status400BadRequest,
                "Not understood",
                "<p>Open the link from your mail, and press the button there.</p>"
            );
        }

        var form = await http.Request.ReadFormAsync(http.RequestAborted);
        var (token, name, password) = (form["token"].ToString(), form["name"].ToString().Trim(), form["password"].ToString());
        if (Broken(name, password, form["again"].ToString()) is not { } problem)
        {
            return Describe(await invitations.AcceptAsync(token, new ChosenAccount(name, password), http.RequestAborted), token, name);
        }

        // As if nothing had been chosen: the page that asks for it comes back, with what is wrong.
        var acceptance = await invitations.AcceptAsync(token, ChosenAccount.None, http.RequestAborted);
        return Describe(
            acceptance is { Missing: { } missing } ? acceptance with { Missing = missing with { Problem = problem } } : acceptance,
            token,
            name
        );
    }

    /// <summary>What is wrong with the form before anybody is asked; null for a form without a password, too.</summary>
    private static string? Broken(string name, string password, string again) =>
        (name, password) switch
        {
            ("", "") when again.Length == 0 => null,
            ("" or { Length: > MaxName }, _) => "Tell us your name, in at most 100 characters.",
            _ when name.Any(char.IsControl) => "Tell us your name, on one line.",
            (_, "") => "Choose a password.",
            (_, { Length: > MaxPassword }) => "This password is too long.",
            _ when password != again => "The two passwords differ. Type the same one twice.",
            _ => null,
        };

    /// <param name="token">Of the link, for the form.</param>
    /// <param name="typed">The name as it came, to be seen again.</param>
    private static Page Describe(Acceptance acceptance, string token, string typed)
    {
        if (acceptance.Offer is not { } offer)
        {
            return new Page(
                StatusCodes.Status404NotFound,
                "No such invitation",
                "<p>This link leads to no invitation. Check that you opened all of it, or ask for a new invitation.</p>"
            );
        }

        var (name, inviter, email) = (Text(offer.Name), Text(offer.Inviter.Length > 0 ? offer.Inviter : "Somebody"), Text(offer.Email));
        var expires = offer.ExpiresAt.ToDateTime().ToString("d MMMM yyyy 'at' HH:mm 'UTC'", CultureInfo.InvariantCulture);
        return offer.State switch
        {
            OfferState.Pending => new Page(
                StatusCodes.Status200OK,
                $"Join {name}",
                $"""
                <p>{inviter} invites <strong>{email}</strong> to join <strong>{name}</strong> as {Text(offer.Role)}.</p>
                <form method="post" action="{JoinPage.Path[1..]}"><input type="hidden" name="token" value="{Text(
                    token
                )}"><button>Accept</button></form>
                <p><small>The invitation ends on {expires}. If you did not expect it, close this page: nothing happens.</small></p>
                """
            ),
            OfferState.AccountNeeded => AskForAccount(acceptance.Missing!, name, email, token, typed),
            OfferState.Joined when offer.WorkspaceId.Length > 0 => new Page(
                StatusCodes.Status200OK,
                $"Welcome to {name}",
                $"""
                <p><strong>{email}</strong> is a member of <strong>{name}</strong> now. Sign in with this address{(acceptance.HasNewAccount
                    ? " and the password that you chose" : "")}: {HowToConnect}.</p>
                <p><small>If you are in several workspaces, add <code>?workspace={offer.WorkspaceId}</code> to the MCP URL.</small></p>
                """
            ),
            OfferState.Joined => new Page(
                StatusCodes.Status200OK,
                $"Welcome to {name}",
                $"<p><strong>{email}</strong> is in <strong>{name}</strong> now.</p>"
            ),
            OfferState.Accepted => new Page(
                StatusCodes.Status410Gone,
                "Accepted already",
                $"<p>This invitation to {name} was accepted. {(offer.WorkspaceId.Length > 0
                    ? $"Sign in as <strong>{email}</strong>: {HowToConnect}" : "Nothing is left to do")}.</p>"
            ),
            OfferState.Revoked => new Page(
                StatusCodes.Status410Gone,
                "Taken back",
                $"<p>This invitation to {name} was taken back. Ask for a new one.</p>"
            ),
            OfferState.Expired => new Page(
                StatusCodes.Status410Gone,
                "Expired",
                $"<p>This invitation to {name} ended on {expires}. Ask for a new one.</p>"
            ),
            _ => new Page(
                StatusCodes.Status409Conflict,
                "Not possible now",
                $"<p>The account of {email} is deactivated. Ask whoever invited you to activate it, then open the link again.</p>"
            ),
        };
    }

    // The address is there for what keeps passwords in a browser; nothing reads it here.
    private static Page AskForAccount(MissingAccount missing, string name, string email, string token, string typed) =>
        new(
            missing.Problem.Length > 0 ? StatusCodes.Status400BadRequest : StatusCodes.Status200OK,
            "Choose a password",
            $"""
            <p>You sign in to <strong>{name}</strong> with your address and a password. Choose it now to join.</p>
            {(missing.Problem.Length > 0 ? $"<p role=\"alert\"><strong>{Text(missing.Problem)}</strong></p>" : "")}
            <form method="post" action="{JoinPage.Path[1..]}"><input type="hidden" name="token" value="{Text(token)}">
            <label>Address<input type="email" name="username" value="{email}" readonly autocomplete="username"></label>
            <label>Your name<input name="name" value="{Text(typed)}" maxlength="{MaxName}" required autocomplete="name"></label>
            <label>Password<input type="password" name="password" required autocomplete="new-password"></label>
            <label>The same once more<input type="password" name="again" required autocomplete="new-password"></label>
            <p><small>{string.Join(' ', missing.Rules.Select(Text))}</small></p>
            <button>Join</button></form>
            """
        );

    private static async Task AnswerAsync(HttpContext http, ILogger log, Func<Task<Page>> make)
    {
        Page page;
        try
        {
            page = await make();
        }
        catch (Exception exception) when (exception is BadHttpRequestException or InvalidDataException)
        {
            page = new Page(
                StatusCodes.Status400BadRequest,
                "Not understood",
                "<p>Open the link from your mail, and press the button there.</p>"
            );
        }
        catch (HalfwayException exception)
        {
            LogFailed(log, exception);
            page = new Page(
                StatusCodes.Status503ServiceUnavailable,
                "Almost there",
                "<p>Your account was created, with the password that you chose.</p>"
                    + (IsUndone(exception.InnerException!) ? NotYet : JoinPage.OutcomeUnknown)
            );
        }
        catch (Exception exception) when (!http.RequestAborted.IsCancellationRequested)
        {
            LogFailed(log, exception);
            page = new Page(
                exception is RpcException or KeycloakUnavailableException or OperationCanceledException
                    ? StatusCodes.Status503ServiceUnavailable
                    : StatusCodes.Status500InternalServerError,
                "Something went wrong",
                HttpMethods.IsGet(http.Request.Method) ? "<p>Nothing was changed. Try again in a moment.</p>"
                    : IsUndone(exception) ? NotYet
                    : JoinPage.OutcomeUnknown
            );
        }

        foreach (var (name, value) in JoinPage.Headers)
        {
            http.Response.Headers[name] = value;
        }

        http.Response.StatusCode = page.Status;
        await http.Response.WriteAsync(JoinPage.Html(page.Title, page.Body), http.RequestAborted);
    }

    /// <summary>
    /// Whether nobody joined: directory refused, or was not asked, because the realm was away. From any other failure, nobody can tell.
    /// </summary>
    private static bool IsUndone(Exception exception) =>
        exception
            is KeycloakUnavailableException
                or RpcException
                {
                    StatusCode: StatusCode.InvalidArgument
                        or StatusCode.Unauthenticated
                        or StatusCode.PermissionDenied
                        or StatusCode.FailedPrecondition
                        or StatusCode.Aborted
                };

    private static string Text(string text) => WebUtility.HtmlEncode(text);

    [LoggerMessage(4103, LogLevel.Error, "The page of an invitation failed")]
    private static partial void LogFailed(ILogger log, Exception exception);

    /// <param name="Title">HTML, as is the body: what people wrote is escaped already.</param>
    private sealed record Page(int Status, string Title, string Body);
}
