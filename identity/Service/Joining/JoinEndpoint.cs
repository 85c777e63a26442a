using Grpc.Core;
using Microsoft.AspNetCore.Http.Features;
using Platform.Directory.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.Identity.Service.Keycloak;

namespace Platform.Identity.Service.Joining;

/// <summary>
/// The page behind an invitation's link. Looking changes nothing, since mail scanners follow links; the button accepts. A person who is
/// invited to a workspace and has no account chooses a password on the page that comes next. The link is the only credential: there is no
/// cookie that another site could use.
/// </summary>
internal static partial class JoinEndpoint
{
    private const int MaxPassword = 1024;
    private const string NotYet = "<p>You have not joined yet. Open the link from your mail again in a moment, and accept.</p>";
    private const string Log = "Platform.Identity.Join";

    public static void MapJoinPage(this WebApplication app)
    {
        var log = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger(Log);
        app.MapGet(JoinPage.Path, (HttpContext http, InvitationAcceptance invitations, JoinPages pages) =>
            AnswerAsync(http, log, () => ShowAsync(http, invitations, pages))
        );
        app.MapPost(JoinPage.Path, (HttpContext http, InvitationAcceptance invitations, JoinPages pages) =>
            AnswerAsync(http, log, () => AcceptAsync(http, invitations, pages))
        );
    }

    private static async Task<Page> ShowAsync(HttpContext http, InvitationAcceptance invitations, JoinPages pages)
    {
        var (query, token) = (http.Request.Query, http.Request.Query["token"].ToString());
        if (query.ContainsKey(JoinPages.Account))
        {
            return pages.Describe(await invitations.FindAccountAsync(token, http.RequestAborted), token, "");
        }

        var offer = await invitations.FindAsync(token, http.RequestAborted);
        if (offer is { State: OfferState.Accepted } && query.TryGetValue(JoinPages.Joined, out var joined))
        {
            offer.State = OfferState.Joined;
            _ = Enum.TryParse(joined.ToString(), ignoreCase: true, out PasswordFate fate);
            return pages.Describe(new Acceptance(offer, Password: fate), token, "");
        }

        return pages.Describe(new Acceptance(offer), token, "");
    }

    private static async Task<Page> AcceptAsync(HttpContext http, InvitationAcceptance invitations, JoinPages pages)
    {
        // A form of another site can only accept what its owner was invited to; there is no reason to let it.
        if (http.Request.Headers["Sec-Fetch-Site"].ToString() is not ("" or "same-origin" or "none"))
        {
            return JoinPages.NotFromHere;
        }

        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
        {
            limit.MaxRequestBodySize = JoinPage.MaxForm;
        }

        if (!http.Request.HasFormContentType || http.Request.ContentLength > JoinPage.MaxForm)
        {
            return JoinPages.NotUnderstood;
        }

        var form = await http.Request.ReadFormAsync(http.RequestAborted);
        var (token, typed, password) = (form["token"].ToString(), form["name"].ToString().Trim(), form["password"].ToString());
        if (Broken(typed, password, form["again"].ToString()) is { } problem)
        {
            // As if nothing had been chosen: the page that asks for it comes back, with what is wrong.
            var asked = await invitations.AcceptAsync(token, ChosenAccount.None, http.RequestAborted);
            return asked is { Missing: { } missing }
                ? pages.Describe(asked with { Missing = missing with { Problem = problem } }, token, typed)
                : Conclude(asked);
        }

        return Conclude(await invitations.AcceptAsync(token, new ChosenAccount(ShownName.Clean(typed), password), http.RequestAborted));

        Page Conclude(Acceptance acceptance) =>
            acceptance switch
            {
                { Offer.State: OfferState.AccountNeeded, Missing.Problem: null } => JoinPages.Continue(token, JoinPages.Account),
                { Offer.State: OfferState.Joined } => JoinPages.Continue(token, $"{JoinPages.Joined}={acceptance.Password}"),
                _ => pages.Describe(acceptance, token, typed),
            };
    }

    /// <summary>What is wrong with the form before anybody is asked; null for a form without a password, too.</summary>
    private static FormProblem? Broken(string name, string password, string again) =>
        (name, password) switch
        {
            ("", "") when again.Length == 0 => null,
            _ when name.Length > JoinPages.MaxName || ShownName.Clean(name).Length == 0 => new(
                "name",
                $"Tell us your name, in at most {JoinPages.MaxName} characters."
            ),
            _ when name.Any(char.IsControl) => new("name", "Tell us your name, on one line."),
            (_, "") => new("password", "Choose a password."),
            (_, { Length: > MaxPassword }) => new("password", "This password is too long. Choose a shorter one."),
            _ when password != again => new("again", "The two passwords differ. Enter the same password twice."),
            _ => null,
        };

    private static async Task AnswerAsync(HttpContext http, ILogger log, Func<Task<Page>> make)
    {
        Page page;
        try
        {
            page = await make();
        }
        catch (Exception exception) when (exception is BadHttpRequestException or InvalidDataException)
        {
            page = JoinPages.NotUnderstood;
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
                http.Request.Query.ContainsKey(JoinPages.Joined) ? "<p>This page cannot be shown now. Load it again in a moment.</p>"
                    : HttpMethods.IsGet(http.Request.Method) ? "<p>Nothing was changed. Try again in a moment.</p>"
                    : IsUndone(exception) ? NotYet
                    : JoinPage.OutcomeUnknown
            );
        }

        foreach (var (name, value) in JoinPage.Headers)
        {
            http.Response.Headers[name] = value;
        }

        if (page.Next is not null)
        {
            http.Response.Headers.Location = page.Next;
        }

        http.Response.StatusCode = page.Status;
        await http.Response.WriteAsync(JoinPage.Html(page.Title, page.Body, page.IsProblem), http.RequestAborted);
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

    [LoggerMessage(4103, LogLevel.Error, "The page of an invitation failed")]
    private static partial void LogFailed(ILogger log, Exception exception);
}
