using System.Diagnostics.Metrics;
using System.Net.Mail;
using Microsoft.Extensions.Options;
using Platform.ServiceDefaults.Telemetry;

namespace Platform.Directory.Service;

/// <summary>
/// Sends the mails of invitations, at least once each: what was sent is marked after the server has taken it. A few connections carry all
/// that is due. Any number of replicas work side by side.
/// </summary>
internal sealed partial class MailWorker(DueMails mails, IOptions<MailOptions> options, ILogger<MailWorker> log) : BackgroundService
{
    private static readonly TimeSpan _look = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan _afterTrouble = TimeSpan.FromSeconds(5);
    private static readonly Counter<long> _sent = PlatformMeter.Instance.CreateCounter<long>(
        "platform.mail.sent",
        "{mail}",
        "Mails that the mail server took."
    );
    private static readonly Counter<long> _refused = PlatformMeter.Instance.CreateCounter<long>(
        "platform.mail.refused",
        "{mail}",
        "Attempts that the mail server did not take."
    );

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!options.Value.IsConfigured)
        {
            LogNotConfigured();
            return;
        }

        await Task.WhenAll(Enumerable.Range(0, options.Value.Connections).Select(_ => SendAsync(stoppingToken)));
    }

    private async Task SendAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            var wait = _look;
            try
            {
                await SendDueAsync(stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                LogInterrupted(exception);
                wait = _afterTrouble;
            }

            await Task.Delay(wait, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task SendDueAsync(CancellationToken cancellationToken)
    {
        var due = await mails.TakeAsync(cancellationToken);
        if (due.Count == 0)
        {
            return;
        }

        // Keeps its connection from mail to mail until it is disposed of.
        using var server = new SmtpClient(options.Value.Host, options.Value.Port) { EnableSsl = options.Value.StartTls };
        if (options.Value.Username.Length > 0)
        {
            server.Credentials = new System.Net.NetworkCredential(options.Value.Username, options.Value.Password);
        }

        for (; due.Count > 0; due = await mails.TakeAsync(cancellationToken))
        {
            foreach (var (index, mail) in due.Index())
            {
                if (await SendAsync(server, mail, cancellationToken) is not { } unreachable)
                {
                    continue;
                }

                // The server, not the mail: the others would fare no better.
                foreach (var rest in due.Skip(index + 1))
                {
                    await mails.LaterAsync(rest, unreachable);
                }

                return;
            }
        }
    }

    /// <summary>Null, or why the server takes nothing at all.</summary>
    private async Task<string?> SendAsync(SmtpClient server, DueMail mail, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(options.Value.Timeout);
        try
        {
            using var message = mail.Content!.ToMessage(options.Value, mail.MessageId);
            await server.SendMailAsync(message, limit.Token);
            await mails.SentAsync(mail);
            _sent.Add(1);
            return null;
        }
        catch (OperationCanceledException)
        {
            await mails.LaterAsync(mail, "the mail server took too long, or this server was stopping");
            cancellationToken.ThrowIfCancellationRequested();
            return "the mail server took too long";
        }
        catch (SmtpException exception)
        {
            _refused.Add(1);
            LogRefused(exception.StatusCode);
            return await ConcludeAsync(mail, exception);
        }
    }

    private async Task<string?> ConcludeAsync(DueMail mail, SmtpException exception)
    {
        var code = (int)exception.StatusCode;
        var problem = code > 0 ? FormattableString.Invariant($"the mail server answered {code}") : "the mail server cannot be reached";
        var aboutTheMail =
            exception is SmtpFailedRecipientException
            || exception.StatusCode is SmtpStatusCode.TransactionFailed or SmtpStatusCode.ExceededStorageAllocation;
        if (aboutTheMail && code >= 500)
        {
            await mails.FailedAsync(mail, problem);
            return null;
        }

        await mails.LaterAsync(mail, problem);
        return aboutTheMail ? null : problem;
    }

    [LoggerMessage(2001, LogLevel.Warning, "Mail:Host is not set: invitations are kept, and their mails wait")]
    private partial void LogNotConfigured();

    [LoggerMessage(2002, LogLevel.Warning, "Sending mails was interrupted; it goes on in a few seconds")]
    private partial void LogInterrupted(Exception exception);

    [LoggerMessage(2003, LogLevel.Warning, "The mail server refused a mail: {Status}")]
    private partial void LogRefused(SmtpStatusCode status);
}
