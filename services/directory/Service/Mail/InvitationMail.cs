using System.Globalization;
using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using MimeKit;
using MimeKit.Text;
using Platform.Directory.Contracts;

namespace Platform.Directory.Service.Mail;

/// <summary>What the mail of an invitation says.</summary>
/// <param name="Inviter">Empty when nobody is known to have asked.</param>
/// <param name="Name">Of the organization or the workspace.</param>
internal sealed partial record InvitationMail(string Email, string Inviter, string Name, DateTimeOffset ExpiresAt, Uri Link)
{
    private static readonly string _text = Template("invitation.txt");
    private static readonly string _html = Template("invitation.html");

    /// <param name="messageId">Stays the same when the mail has to be sent again, so that a mailbox can drop the second.</param>
    public MimeMessage ToMessage(MailOptions options, string messageId)
    {
        var (inviter, name) = (NoLink(ShownName.Of(Inviter, "Somebody")), NoLink(ShownName.Of(Name, "(no name)")));
        var values = new Dictionary<string, string>
        {
            ["link"] = Link.AbsoluteUri,
            ["email"] = Email,
            ["expires"] = ExpiresAt.UtcDateTime.ToString("d MMMM yyyy 'at' HH:mm 'UTC'", CultureInfo.InvariantCulture),
            ["name"] = name,
            ["inviter"] = inviter,
        };
        var sender = MailboxAddress.Parse(options.From);
        sender.Name = options.FromName;
        var message = new MimeMessage
        {
            Subject = $"{inviter} invites you to join {name}",
            Body = new MultipartAlternative(
                Part(TextFormat.Plain, Fill(_text, values, text => text)),
                Part(TextFormat.Html, Fill(_html, values, WebUtility.HtmlEncode))
            ),
            MessageId = $"{messageId}@{sender.Domain}",
        };
        message.From.Add(sender);
        message.To.Add(new MailboxAddress("", Email));
        message.Headers.Add("Auto-Submitted", "auto-generated");
        return message;
    }

    private static TextPart Part(TextFormat format, string text)
    {
        // Every line short and in ASCII, whatever people are called.
        var part = new TextPart(format) { ContentTransferEncoding = ContentEncoding.Base64 };
        part.SetText(Encoding.UTF8, text);
        return part;
    }

    // In one pass: what people wrote is never filled in again.
    private static string Fill(string template, Dictionary<string, string> values, Func<string, string?> escape) =>
        Placeholder().Replace(template, found => escape(values[found.Groups[1].Value])!);

    // Mail programs make a link of whatever looks like an address. It reads as before: what keeps its parts apart has no width.
    private static string NoLink(string name) => PartOfAddress().Replace(name, "$0\u200B");

    [GeneratedRegex(@"\{\{([a-z]+)\}\}")]
    private static partial Regex Placeholder();

    // The signs between the parts of a URL, a host name and an e-mail address, and the other full stops that a host name may have (UTS 46).
    [GeneratedRegex(@"(?<=[\p{L}\p{N}\p{M}\p{Cf}])[.:/@\\\u3002\uFF0E\uFF61](?=\S)")]
    private static partial Regex PartOfAddress();

    private static string Template(string name)
    {
        using var reader = new StreamReader(
            typeof(InvitationMail).Assembly.GetManifestResourceStream($"Platform.Directory.Service.Mail.Templates.{name}")!
        );
        return reader.ReadToEnd();
    }
}
