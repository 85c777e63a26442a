using MimeKit;

namespace Platform.Directory.Service.Mail;

/// <summary>Takes mails one after the other: a mail server, or a folder in development.</summary>
internal interface IMailConnection : IAsyncDisposable
{
    /// <exception cref="MailRefusedException">The mail was not taken.</exception>
    Task SendAsync(MimeMessage message, CancellationToken cancellationToken);
}

/// <summary>A mail was not taken. The message is for those who invited; it names no address and no secret.</summary>
/// <param name="problem">What happened, such as <c>the mail server answered 550</c>.</param>
/// <param name="isAboutTheMail">False when the server takes nothing at all.</param>
/// <param name="isFinal">True when another attempt would fail as well.</param>
internal sealed class MailRefusedException(string problem, bool isAboutTheMail, bool isFinal, Exception inner) : Exception(problem, inner)
{
    public bool IsAboutTheMail => isAboutTheMail;

    public bool IsFinal => isFinal;
}
