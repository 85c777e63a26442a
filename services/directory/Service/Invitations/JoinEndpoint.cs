using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http.Features;
using Npgsql;
using Platform.Directory.Contracts;

namespace Platform.Directory.Service;

/// <summary>
/// The page behind an invitation's link. Looking changes nothing, since mail scanners follow links; the button accepts. The link is the only
/// credential: there is no cookie that another site could use.
/// </summary>
internal static partial class JoinEndpoint
{
    private const long MaxBody = 4096;
    private const string Log = "Platform.Directory.Join";

    private const string Style =
        "body{font:1.05rem/1.5 system-ui,sans-serif;max-width:34rem;margin:4rem auto;padding:0 1rem;color:#222;background:#fff}"
        + "button{font:inherit;padding:.6rem 1.4rem;border:0;border-radius:.3rem;background:#225;color:#fff;cursor:pointer}small{color:#555}";

    private static readonly string _policy =
        $"default-src 'none'; style-src 'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(Style)))}'; "
        + "form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

    public static void MapJoinPage(this WebApplication app)
    {
        var log = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger(Log);
        app.MapGet(JoinPage.Path, (HttpContext http, InvitationAcceptance invitations) => AnswerAsync(http, log, () => ShowAsync(http, invitations)));
        app.MapPost(JoinPage.Path, (HttpContext http, InvitationAcceptance invitations) => AnswerAsync(http, log, () => AcceptAsync(http, invitations)));
    }

    private static async Task<Page> ShowAsync(HttpContext http, InvitationAcceptance invitations)
    {
        var token = http.Request.Query["token"].ToString();
        return Describe(await invitations.FindAsync(token, http.RequestAborted), token);
    }

    private static async Task<Page> AcceptAsync(HttpContext http, InvitationAcceptance invitations)
    {
        // A form of another site can only accept what its owner was invited to; there is no reason to let it.
        if (http.Request.Headers["Sec-Fetch-Site"].ToString() is not ("" or "same-origin" or "none"))
        {
            return new Page(StatusCodes.Status403Forbidden, "Not from here", "<p>Open the link from your mail, and accept the invitation there.</p>");
        }

        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
        {
            limit.MaxRequestBodySize = MaxBody;
        }

        if (!http.Request.HasFormContentType || http.Request.ContentLength > MaxBody)
        {
            return new Page(StatusCodes.Status400BadRequest, "Not understood", "<p>Open the link from your mail, and press the button there.</p>");
        }

        var form = await http.Request.ReadFormAsync(http.RequestAborted);
        return Describe(await invitations.AcceptAsync(form["token"].ToString(), http.RequestAborted), token: "");
    }

    private static Page Describe(Offer? offer, string token)
    {
        if (offer is null)
        {
            return new Page(StatusCodes.Status404NotFound, "No such invitation",
                "<p>This link leads to no invitation. Check that you opened all of it, or ask for a new invitation.</p>");
        }

        var (name, inviter, email) = (Text(offer.Name), Text(offer.Inviter.Length > 0 ? offer.Inviter : "Somebody"), Text(offer.Email));
        var expires = offer.ExpiresAt.UtcDateTime.ToString("d MMMM yyyy 'at' HH:mm 'UTC'", CultureInfo.InvariantCulture);
        return offer.State switch
        {
            "pending" => new Page(StatusCodes.Status200OK, $"Join {name}", $"""
                <p>{inviter} invites <strong>{email}</strong> to join <strong>{name}</strong> as {Text(offer.Role)}.</p>
                <form method="post" action="{JoinPage.Path[1..]}"><input type="hidden" name="token" value="{Text(token)}"><button>Accept</button></form>
                <p><small>The invitation ends on {expires}. If you did not expect it, close this page: nothing happens.</small></p>
                """),
            "joined" when offer.Workspace.Length > 0 => new Page(StatusCodes.Status200OK, $"Welcome to {name}", $"""
                <p><strong>{email}</strong> is a member of <strong>{name}</strong> now. Sign in with this address, and it is yours.</p>
                <p><small>If you are in several workspaces, add <code>?workspace={offer.Workspace}</code> to the MCP URL.</small></p>
                """),
            "joined" => new Page(StatusCodes.Status200OK, $"Welcome to {name}", $"<p><strong>{email}</strong> is in <strong>{name}</strong> now.</p>"),
            "accepted" => new Page(StatusCodes.Status410Gone, "Accepted already", $"<p>This invitation to {name} was accepted. Nothing is left to do.</p>"),
            "revoked" => new Page(StatusCodes.Status410Gone, "Taken back", $"<p>This invitation to {name} was taken back. Ask for a new one.</p>"),
            "expired" => new Page(StatusCodes.Status410Gone, "Expired", $"<p>This invitation to {name} ended on {expires}. Ask for a new one.</p>"),
            _ => new Page(StatusCodes.Status409Conflict, "Not possible now",
                $"<p>The account of {email} is deactivated. Ask whoever invited you to activate it, then open the link again.</p>"),
        };
    }

    private static async Task AnswerAsync(HttpContext http, ILogger log, Func<Task<Page>> make)
    {
        Page page;
        try
        {
            page = await make();
        }
        catch (Exception exception) when (exception is BadHttpRequestException or InvalidDataException)
        {
            page = new Page(StatusCodes.Status400BadRequest, "Not understood", "<p>Open the link from your mail, and press the button there.</p>");
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            LogFailed(log, exception);
            page = new Page(exception is NpgsqlException ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status500InternalServerError,
                "Something went wrong", "<p>Nothing was changed. Try again in a moment.</p>");
        }

        var headers = http.Response.Headers;
        headers.ContentSecurityPolicy = _policy;
        headers["Referrer-Policy"] = "no-referrer";
        headers.CacheControl = "no-store";
        headers.XContentTypeOptions = "nosniff";
        http.Response.StatusCode = page.Status;
        http.Response.ContentType = "text/html; charset=utf-8";
        await http.Response.WriteAsync($"""
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">
            <title>{page.Title}</title><style>{Style}</style></head>
            <body><h1>{page.Title}</h1>
            {page.Body}
            </body></html>
            """, http.RequestAborted);
    }

    private static string Text(string text) => WebUtility.HtmlEncode(text);

    [LoggerMessage(2010, LogLevel.Error, "The page of an invitation failed")]
    private static partial void LogFailed(ILogger log, Exception exception);

    /// <param name="Title">HTML, as is the body: what people wrote is escaped already.</param>
    private sealed record Page(int Status, string Title, string Body);
}
