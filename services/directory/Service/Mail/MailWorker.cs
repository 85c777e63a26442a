using System.Diagnostics.Metrics;
using Microsoft.Extensions.Options;
using Platform.ServiceDefaults.Telemetry;

namespace Platform.Directory.Service.Mail;

/// <summary>
/// Sends the mails of invitations, at least once each: a mail is marked as sent after the server has taken it. A few connections carry all
/// that is due. Any number of replicas work side by side.
/// </summary>
internal sealed partial class MailWorker(DueMails mails, IOptions<MailOptions> options, TimeProvider time, ILogger<MailWorker> log)
    : BackgroundService
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

        await using var server = Connect();
        for (; due.Count > 0; due = await mails.TakeAsync(cancellationToken))
        {
            foreach (var (index, mail) in due.Index())
            {
                if (await SendAsync(server, mail, cancellationToken) is not { } unreachable)
                {
                    continue;
                }

                // The server is the problem, not this mail: the others would fail as well.
                foreach (var rest in due.Skip(index + 1))
                {
                    await mails.LaterAsync(rest, unreachable);
                }

                return;
            }
        }
    }

    private IMailConnection Connect() =>
        options.Value.UsesFolder ? new MailFolder(options.Value.Sink, time) : new SmtpConnection(options.Value);

    /// <summary>Null, or why the server takes nothing at all.</summary>
    private async Task<string?> SendAsync(IMailConnection server, DueMail mail, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(options.Value.Timeout);
        try
        {
            using var message = mail.Content!.ToMessage(options.Value, mail.MessageId);
            await server.SendAsync(message, limit.Token);
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
        catch (MailRefusedException refused)
        {
            _refused.Add(1);
            LogRefused(refused.Message);
            await (refused.IsFinal ? mails.FailedAsync(mail, refused.Message) : mails.LaterAsync(mail, refused.Message));
            return refused.IsAboutTheMail ? null : refused.Message;
        }
        catch (Exception exception)
        {
            // Foreseen by nobody, so it may be this mail or the server. It must not stay taken without a word.
            LogInterrupted(exception);
            await mails.LaterAsync(mail, "the mail could not be sent");
            return "the mail could not be sent";
        }
    }

    [LoggerMessage(2001, LogLevel.Warning, "Mail:Host is not set: invitations are kept, and their mails wait")]
    private partial void LogNotConfigured();

    [LoggerMessage(2002, LogLevel.Warning, "Sending mails was interrupted; it goes on in a few seconds")]
    private partial void LogInterrupted(Exception exception);

    [LoggerMessage(2003, LogLevel.Warning, "A mail was not taken: {Problem}")]
    private partial void LogRefused(string problem);
}
