using System.Net;
using System.Text.RegularExpressions;
using MimeKit;
using Platform.Directory.Service.Mail;

namespace Platform.Directory.Tests;

/// <summary>What names that people wrote become in a mail that we send.</summary>
public sealed class InvitationMailTests
{
    // A mail program makes a link of anything that looks like one, in our name.
    [Theory]
    [InlineData("Acme: verify at https://evil.example/login now")]
    [InlineData("www.evil.example")]
    [InlineData("evil.example")]
    [InlineData("ceo@evil.example")]
    [InlineData("evil\u3002example")]
    [InlineData("a\u202Eelpmaxe.live")]
    [InlineData("evi\u0301.example")]
    [InlineData("evil\u200D.example")]
    public void A_name_never_becomes_a_link(string name)
    {
        using var message = Message(name);
        var own = new[] { "https://x.example/join?token=1", "a@mail.example" };
        foreach (var text in new[] { message.Subject!, message.TextBody!, TextOf(message.HtmlBody!) })
        {
            var written = own.Aggregate(text, (rest, ours) => rest.Replace(ours, "", StringComparison.Ordinal));
            Assert.DoesNotMatch(
                @"https?://|[\p{L}\p{N}\p{M}\u200D][.\u3002\uFF0E\uFF61@][\p{L}\p{N}]|[\u202A-\u202E\u2066-\u2069]",
                written
            );
        }
    }

    private static string TextOf(string html) => WebUtility.HtmlDecode(Regex.Replace(html, "<[^>]+>", " "));

    [Theory]
    [InlineData("Booking.com")]
    [InlineData("Dr. Ångström & Söhne (Köln)")]
    public void A_name_reads_as_it_was_written(string name)
    {
        using var message = Message(name);
        Assert.Contains(name, message.TextBody!.Replace("\u200B", "", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Contains(name, message.Subject!.Replace("\u200B", "", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{{inviter}} {{link}} {{name}}", "{{inviter}} {{link}} {{name}}")]
    [InlineData("one\r\nBcc: x\u2028two\u0085three", "one Bcc: x two three")]
    [InlineData("Acme\u202Ex \u2067y\u061C\u200F", "Acmex y")]
    [InlineData("\u200B\u2060\u3164", "(no name)")]
    public void A_name_stands_in_the_mail_as_one_line_of_what_is_seen(string name, string shown)
    {
        using var message = Message(name);
        var inviter = shown == "(no name)" ? "Somebody" : shown;
        Assert.StartsWith(
            $"{inviter} invites you to join {shown}.\n",
            message.TextBody!.Replace("\r", "", StringComparison.Ordinal),
            StringComparison.Ordinal
        );
        Assert.Equal($"{inviter} invites you to join {shown}", message.Subject);
    }

    private static MimeMessage Message(string name) =>
        new InvitationMail("a@mail.example", name, name, DateTimeOffset.UnixEpoch, new Uri("https://x.example/join?token=1")).ToMessage(
            new MailOptions { From = "from@mail.example" },
            "id.1"
        );
}
