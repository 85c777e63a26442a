using System.Net.Sockets;
using MailKit;
using MailKit.Net.Smtp;
using MailKit.Security;
using MimeKit;

namespace Platform.Directory.Service.Mail;

/// <summary>A connection to the mail server. It opens with the first mail and is kept from mail to mail.</summary>
internal sealed class SmtpConnection(MailOptions options) : IMailConnection
{
    private readonly SmtpClient _client = new()
    {
        // The certificate is checked, without asking its issuer over the network whether it was revoked.
        CheckCertificateRevocation = false,
    };

    public async Task SendAsync(MimeMessage message, CancellationToken cancellationToken)
    {
        try
        {
            await OpenAsync(cancellationToken);
            await SendOpenAsync(message, cancellationToken);
        }
        catch (SmtpCommandException exception)
        {
            throw Refused(exception);
        }
        catch (AuthenticationException exception)
        {
            throw exception.InnerException is SmtpCommandException answer
                ? new MailRefusedException(Answered(answer), isAboutTheMail: false, isFinal: false, exception)
                : Unreachable("the mail server refused the sign-in", exception);
        }
        catch (SslHandshakeException exception)
        {
            throw Unreachable("the mail server's certificate is not trusted", exception);
        }
        catch (ServiceNotAuthenticatedException exception)
        {
            throw Unreachable("the mail server wants a sign-in (Mail:Username)", exception);
        }
        catch (Exception exception) when (exception is ProtocolException or IOException or SocketException or ServiceNotConnectedException)
        {
            throw Unreachable("the mail server cannot be reached", exception);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_client.IsConnected)
        {
            try
            {
                using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(2));
                await _client.DisconnectAsync(quit: true, limit.Token);
            }
            catch (Exception exception)
                when (exception is ProtocolException or CommandException or IOException or SocketException or OperationCanceledException)
            {
                // What was taken is taken. Saying goodbye is a courtesy.
            }
        }

        _client.Dispose();
    }

    private async Task OpenAsync(CancellationToken cancellationToken)
    {
        if (_client.IsConnected)
        {
            return;
        }

        var security = options.StartTls ? SecureSocketOptions.StartTls : SecureSocketOptions.None;
        try
        {
            await _client.ConnectAsync(options.Host, options.Port, security, cancellationToken);
        }
        catch (NotSupportedException exception)
        {
            throw Unreachable("the mail server does not offer an encrypted connection (STARTTLS)", exception);
        }

        if (options.Username.Length > 0 && _client.Capabilities.HasFlag(SmtpCapabilities.Authentication))
        {
            await SignInAsync(cancellationToken);
        }
    }

    private async Task SignInAsync(CancellationToken cancellationToken)
    {
        try
        {
            await _client.AuthenticateAsync(options.Username, options.Password, cancellationToken);
        }
        catch (Exception exception)
        {
            // The next mail must not go over a connection that is not signed in.
            await _client.DisconnectAsync(quit: false, CancellationToken.None);
            if (exception is NotSupportedException or SaslException)
            {
                throw Unreachable("the mail server offers no kind of sign-in that works with a password", exception);
            }

            throw;
        }
    }

    private async Task SendOpenAsync(MimeMessage message, CancellationToken cancellationToken)
    {
        try
        {
            await _client.SendAsync(message, cancellationToken);
        }
        catch (NotSupportedException exception)
        {
            throw new MailRefusedException("the mail server does not take such an address", isAboutTheMail: true, isFinal: true, exception);
        }
    }

    private static MailRefusedException Refused(SmtpCommandException exception)
    {
        var isAboutTheMail =
            exception.ErrorCode == SmtpErrorCode.RecipientNotAccepted
            || exception.StatusCode is SmtpStatusCode.TransactionFailed or SmtpStatusCode.ExceededStorageAllocation;
        return new MailRefusedException(
            Answered(exception),
            isAboutTheMail,
            isFinal: isAboutTheMail && (int)exception.StatusCode >= 500,
            exception
        );
    }

    private static MailRefusedException Unreachable(string problem, Exception exception) =>
        new(problem, isAboutTheMail: false, isFinal: false, exception);

    private static string Answered(SmtpCommandException exception) =>
        FormattableString.Invariant($"the mail server answered {(int)exception.StatusCode}");
}
