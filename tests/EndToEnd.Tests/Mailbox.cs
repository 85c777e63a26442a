using System.Text;
using Platform.Demo;

namespace Platform.EndToEnd.Tests;

/// <summary>The mails that a suite in development keeps.</summary>
internal static class Mailbox
{
    /// <summary>The text of the mail to an address, once it has come.</summary>
    public static async Task<string> ReadAsync(string email, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(TimeSpan.FromMinutes(1));
        string? mail;
        while ((mail = Mails().FirstOrDefault(text => text.Contains(email, StringComparison.Ordinal))) is null)
        {
            await Task.Delay(100, patience.Token);
        }

        return PlainText(mail);
    }

    // The first part, in base64 between an empty line and the next boundary.
    private static string PlainText(string mail)
    {
        var part = mail[mail.IndexOf("text/plain", StringComparison.Ordinal)..].ReplaceLineEndings("\n");
        var start = part.IndexOf("\n\n", StringComparison.Ordinal);
        return Encoding.UTF8.GetString(Convert.FromBase64String(part[start..part.IndexOf("\n--", StringComparison.Ordinal)]));
    }

    private static IEnumerable<string> Mails() =>
        System.IO.Directory.EnumerateFiles(Path.Combine(Checkout.Artifacts, "mail"), "*.eml").Select(File.ReadAllText);
}
