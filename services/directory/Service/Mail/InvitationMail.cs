using System.Globalization;
using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using MimeKit;
using MimeKit.Text;

namespace Platform.Directory.Service.Mail;

/// <summary>What the mail of an invitation says.</summary>
/// <param name="Inviter">Empty when nobody is known to have asked.</param>
/// <param name="Name">Of the organization or the workspace.</param>
internal sealed partial record InvitationMail(string Email, string Inviter, string Name, DateTimeOffset ExpiresAt, Uri Link)
{
    private const int MaxName = 80;

    private static readonly string _text = Template("invitation.txt");
    private static readonly string _html = Template("invitation.html");

    /// <param name="messageId">Stays the same when the mail has to be sent again, so that a mailbox can drop the second.</param>
    public MimeMessage ToMessage(MailOptions options, string messageId)
    {
        var inviter = Inviter.Length > 0 ? OneLine(Inviter) : "Somebody";
        var sender = MailboxAddress.Parse(options.From);
        sender.Name = options.FromName;
        var message = new MimeMessage
        {
            Subject = $"{inviter} invites you to join {OneLine(Name)}",
            Body = new MultipartAlternative(
                Part(TextFormat.Plain, Fill(_text, inviter, text => text)),
                Part(TextFormat.Html, Fill(_html, inviter, text => WebUtility.HtmlEncode(text)))
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

    private string Fill(string template, string inviter, Func<string, string> escape) =>
        template
            .Replace("{{link}}", escape(Link.AbsoluteUri), StringComparison.Ordinal)
            .Replace("{{email}}", escape(Email), StringComparison.Ordinal)
            .Replace(
                "{{expires}}",
                ExpiresAt.UtcDateTime.ToString("d MMMM yyyy 'at' HH:mm 'UTC'", CultureInfo.InvariantCulture),
                StringComparison.Ordinal
            )
            // What people wrote comes last, so that nothing in it is filled in again but a name in a name.
            .Replace("{{name}}", escape(OneLine(Name)), StringComparison.Ordinal)
            .Replace("{{inviter}}", escape(inviter), StringComparison.Ordinal);

    // A name must not smuggle in a text of its own, turn the direction of ours, or become a link, which mail programs make of whatever
    // looks like an address. It reads as before: what keeps the parts of an address apart has no width.
    private static string OneLine(string text)
    {
        var line = new string([.. text.Where(character => !TurnsDirection(character)).Select(c => char.IsControl(c) ? ' ' : c)]).Trim();
        var cut = new StringInfo(line);
        var name = cut.LengthInTextElements > MaxName ? cut.SubstringByTextElements(0, MaxName) + "…" : line;
        return PartOfAddress().Replace(name, "$0\u200B");
    }

    private static bool TurnsDirection(char character) => character is (>= '\u202A' and <= '\u202E') or (>= '\u2066' and <= '\u2069');

    // The signs between the parts of a URL, a host name and an e-mail address, and the other full stops that a host name may have (UTS 46).
    [GeneratedRegex(@"(?<=[\p{L}\p{N}])[.:/@\\\u3002\uFF0E\uFF61](?=\S)")]
    private static partial Regex PartOfAddress();

    private static string Template(string name)
    {
        using var reader = new StreamReader(
            typeof(InvitationMail).Assembly.GetManifestResourceStream($"Platform.Directory.Service.Mail.Templates.{name}")!
        );
        return reader.ReadToEnd();
    }
}
