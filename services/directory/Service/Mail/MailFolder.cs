using System.Globalization;
using MimeKit;
using Platform.ServiceDefaults;

namespace Platform.Directory.Service.Mail;

/// <summary>Files mails as <c>.eml</c>, named by time and recipient, in place of a mail server. For development.</summary>
internal sealed class MailFolder(string folder, TimeProvider time) : IMailConnection
{
    public async Task SendAsync(MimeMessage message, CancellationToken cancellationToken)
    {
        System.IO.Directory.CreateDirectory(folder);
        foreach (var recipient in message.To.Mailboxes)
        {
            var now = time.GetUtcNow().ToString("yyyyMMdd-HHmmss-fff", CultureInfo.InvariantCulture);
            var file = Path.Combine(folder, $"{now}-{Safe(recipient.Address)}.eml");
            // Whoever watches the folder must never read half a mail.
            var draft = file + ".part";
            // Links in mails let people in.
            await using (var stream = OwnersFile.Open(draft, FileMode.Create))
            {
                await message.WriteToAsync(Format, stream, cancellationToken);
            }

            File.Move(draft, file, overwrite: true);
        }
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    // As mails travel.
    private static FormatOptions Format { get; } = new() { NewLineFormat = NewLineFormat.Dos };

    private static string Safe(string address) =>
        string.Concat(
            address.Select(character => char.IsAsciiLetterOrDigit(character) || character is '@' or '.' or '-' ? character : '_')
        );
}
