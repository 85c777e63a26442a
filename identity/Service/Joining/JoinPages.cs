using System.Globalization;
using System.Net;
using Microsoft.Extensions.Options;
using Platform.Directory.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.Identity.Service.Keycloak;

namespace Platform.Identity.Service.Joining;

/// <param name="Title">HTML, as is the body: what people wrote is escaped already.</param>
/// <param name="IsProblem">Whether a form comes back with what is wrong.</param>
/// <param name="Next">Where the browser goes by itself.</param>
internal sealed record Page(int Status, string Title, string Body, bool IsProblem = false, string? Next = null);

/// <summary>
/// What a person reads who opens an invitation's link. Directory has made the names in it one line of visible characters.
/// </summary>
internal sealed class JoinPages(IOptions<KeycloakOptions> keycloak)
{
    public const int MaxName = 100;

    private const string HowToConnect = "<a href=\"connect\">how to connect an app</a>";

    /// <summary>In the query of the page: the person wants to choose a password.</summary>
    public const string Account = "account";

    /// <summary>In the query of the page: the person has just joined. Its value is what became of their password.</summary>
    public const string Joined = "joined";

    public static Page NotFromHere { get; } =
        new(StatusCodes.Status403Forbidden, "Not from here", "<p>Open the link from your mail, and accept the invitation there.</p>");

    public static Page NotUnderstood { get; } = new(StatusCodes.Status400BadRequest, "Not understood", JoinPage.NotUnderstood);

    /// <param name="token">Of the link, for the form.</param>
    /// <param name="typed">The name as it came, to be seen again.</param>
    public Page Describe(Acceptance acceptance, string token, string typed)
    {
        if (acceptance.Offer is not { } offer)
        {
            return new Page(
                StatusCodes.Status404NotFound,
                "No such invitation",
                "<p>This link does not belong to an invitation. Open it exactly as it is in your mail, or ask for a new invitation.</p>"
            );
        }

        var (name, email) = ($"<bdi>{Text(offer.Name)}</bdi>", $"<strong>{Text(offer.Email)}</strong>");
        return offer.State switch
        {
            OfferState.Pending => AskToAccept(offer, token),
            OfferState.AccountNeeded => AskForAccount(acceptance.Missing!, offer, token, typed),
            OfferState.Joined when offer.WorkspaceId.Length > 0 => Welcome(offer, acceptance.Password),
            OfferState.Joined => new Page(
                StatusCodes.Status200OK,
                $"Welcome to {Text(offer.Name)}",
                $"<p>{email} has joined <strong>{name}</strong>. Nothing is left to do.</p>"
            ),
            OfferState.Accepted => new Page(
                StatusCodes.Status410Gone,
                "Already accepted",
                $"<p>This invitation to {name} was accepted. {(offer.WorkspaceId.Length > 0
                    ? $"Sign in as {email}. See {HowToConnect}." : "Nothing is left to do.")}</p>{(offer.WorkspaceId.Length > 0
                    ? $"<p><small>{SignedInAsSomebodyElse()}</small></p>" : "")}"
            ),
            OfferState.Revoked => new Page(
                StatusCodes.Status410Gone,
                "Withdrawn",
                $"<p>This invitation to {name} was withdrawn. Ask the person who invited you for a new one.</p>"
            ),
            OfferState.Expired => new Page(
                StatusCodes.Status410Gone,
                "Expired",
                $"<p>This invitation to {name} ended on {Time(offer)}. Ask the person who invited you for a new one.</p>"
            ),
            _ => new Page(
                StatusCodes.Status409Conflict,
                "You cannot join yet",
                $"<p>The account of {email} is deactivated. Ask the person who invited you to activate it, then open the link again.</p>"
            ),
        };
    }

    /// <summary>
    /// What succeeded is shown at an address of its own: that page can be loaded again, and a browser goes back to the one before it.
    /// </summary>
    /// <param name="step">One of this class, with its value if it has one.</param>
    public static Page Continue(string token, string step)
    {
        var next = $"{JoinPage.Path[1..]}?token={Uri.EscapeDataString(token)}&{step}";
        return new Page(StatusCodes.Status303SeeOther, "Continue", $"<p><a href=\"{Text(next)}\">Continue</a></p>", Next: next);
    }

    private static Page AskToAccept(Offer offer, string token)
    {
        var inviter = offer.Inviter.Length > 0 ? $"<bdi>{Text(offer.Inviter)}</bdi>" : "Somebody";
        return new Page(
            StatusCodes.Status200OK,
            $"Join {Text(offer.Name)}",
            $"""
            <p>{inviter} invites <strong>{Text(offer.Email)}</strong> to join <strong><bdi>{Text(offer.Name)}</bdi></strong> as {Text(
                offer.Role
            )}.</p>
            {Form(token, "")}<button>Accept</button></form>
            <p><small>The invitation ends on {Time(offer)}. If you did not expect it, close this page. Nothing happens unless you
            accept.</small></p>
            """
        );
    }

    // The address is there for what keeps passwords in a browser; nothing reads it here. The cursor is where the person has to type, and
    // what is wrong is told with the name of that field.
    private static Page AskForAccount(MissingAccount missing, Offer offer, string token, string typed)
    {
        var wrong = missing.Problem;
        return new Page(
            wrong is null ? StatusCodes.Status200OK : StatusCodes.Status400BadRequest,
            "Choose a password",
            $"""
            <p>You will sign in to <strong><bdi>{Text(
                offer.Name
            )}</bdi></strong> with your e-mail address and a password. Choose the password now to join.</p>
            {(wrong is null ? "" : $"<p role=\"alert\" id=\"problem\"><strong>{Text(wrong.Text)}</strong></p>")}
            {Form(token, $"&amp;{Account}")}
            <label>Your e-mail address<input type="email" name="username" value="{Text(
                offer.Email
            )}" readonly autocomplete="username"></label>
            <label>Your name<input name="name" value="{Text(typed)}" maxlength="{MaxName}" required autocomplete="name"{Mark(
                "name",
                isFirst: true
            )}></label>
            <label>Password<input type="password" name="password" required autocomplete="new-password"{Mark(
                "password",
                describedBy: "rules"
            )}></label>
            <label>Repeat the password<input type="password" name="again" required autocomplete="new-password"{Mark("again")}></label>
            <p><small id="rules">{string.Join(' ', missing.Rules.Select(Text))}</small></p>
            <button>Join</button></form>
            """,
            IsProblem: wrong is not null
        );

        string Mark(string field, bool isFirst = false, string describedBy = "")
        {
            var isWrong = wrong?.Field == field;
            var described = isWrong ? $"problem {describedBy}".TrimEnd() : describedBy;
            return (isWrong ? " aria-invalid=\"true\"" : "")
                + (described.Length > 0 ? $" aria-describedby=\"{described}\"" : "")
                + (isWrong || (wrong is null && isFirst) ? " autofocus" : "");
        }
    }

    private Page Welcome(Offer offer, PasswordFate password) =>
        new(
            StatusCodes.Status200OK,
            $"Welcome to {Text(offer.Name)}",
            $"""
            <p><strong>{Text(offer.Email)}</strong> is now a member of <strong><bdi>{Text(offer.Name)}</bdi></strong>.</p>
            <p>Next, see {HowToConnect}. Sign in with this address{(password == PasswordFate.Chosen
                ? " and the password that you chose" : "")}.{(password == PasswordFate.NotUsed
                ? " It already had an account, which keeps its password: the one that was chosen first." : "")}</p>
            <p><small>{SignedInAsSomebodyElse()} If you are in several workspaces, add <code>?workspace={offer.WorkspaceId}</code> to the
            MCP URL.</small></p>
            """
        );

    // The sign-in asks nobody who they are while it remembers somebody, and connects an app as that person.
    private string SignedInAsSomebodyElse() =>
        keycloak.Value.IsConfigured
            ? "If somebody else uses this browser, "
                + $"<a href=\"{Text(keycloak.Value.Issuer)}/protocol/openid-connect/logout\">sign them out</a> first."
            : "";

    // With the link, so that the page can be loaded again by its address.
    private static string Form(string token, string step) =>
        $"<form method=\"post\" action=\"{JoinPage.Path[1..]}?token={Text(Uri.EscapeDataString(token))}{step}\">"
        + $"<input type=\"hidden\" name=\"token\" value=\"{Text(token)}\">";

    private static string Time(Offer offer) =>
        offer.ExpiresAt.ToDateTime().ToString("d MMMM yyyy 'at' HH:mm 'UTC'", CultureInfo.InvariantCulture);

    private static string Text(string text) => WebUtility.HtmlEncode(text);
}
