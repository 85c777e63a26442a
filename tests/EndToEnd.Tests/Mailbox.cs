using System.Text;
using Platform.Testing;

namespace Platform.EndToEnd.Tests;

/// <summary>The mails that a suite in development keeps.</summary>
internal sealed class Mailbox(string folder)
{
    /// <summary>The text of the mail to an address, once it has come.</summary>
    public async Task<string> ReadAsync(string email)
    {
        return PlainText(
            await Eventually.Found(
                () => Mails().FirstOrDefault(text => text.Contains(email, StringComparison.Ordinal)),
                () => $"a mail to {email}"
            )
        );
    }

    // The first part, in base64 between an empty line and the next boundary.
    private static string PlainText(string mail)
    {
        var part = mail[mail.IndexOf("text/plain", StringComparison.Ordinal)..].ReplaceLineEndings("\n");
        var start = part.IndexOf("\n\n", StringComparison.Ordinal);
        return Encoding.UTF8.GetString(Convert.FromBase64String(part[start..part.IndexOf("\n--", StringComparison.Ordinal)]));
    }

    private IEnumerable<string> Mails() => System.IO.Directory.EnumerateFiles(folder, "*.eml").Select(File.ReadAllText);
}
