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
            if (!await SendAsync(server, due, cancellationToken))
            {
                return;
            }
        }
    }

    // False when the server is the problem, and not a mail: the others would fail as well.
    private async Task<bool> SendAsync(IMailConnection server, List<DueMail> due, CancellationToken cancellationToken)
    {
        var tried = 0;
        try
        {
            // Not past the lease: others would send the same.
            while (tried < due.Count && time.GetUtcNow() < due[tried].Until - options.Value.Timeout)
            {
                if (await SendAsync(server, due[tried++], cancellationToken) is { } unreachable)
                {
                    for (; tried < due.Count; tried++)
                    {
                        await mails.LaterAsync(due[tried], unreachable);
                    }

                    return false;
                }
            }

            return true;
        }
        finally
        {
            await mails.GiveBackAsync(due.Skip(tried));
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

        await MarkSentAsync(mail, cancellationToken);
        _sent.Add(1);
        return null;
    }

    // What has left must be known to have left, or it would leave again: tried until the lease ends, while the database is away.
    private async Task MarkSentAsync(DueMail mail, CancellationToken cancellationToken)
    {
        for (var wait = TimeSpan.FromMilliseconds(100); ; wait *= 2)
        {
            try
            {
                await mails.SentAsync(mail);
                return;
            }
            catch (Exception exception) when (time.GetUtcNow() + wait < mail.Until && !cancellationToken.IsCancellationRequested)
            {
                LogInterrupted(exception);
                await Task.Delay(wait, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    [LoggerMessage(2001, LogLevel.Warning, "Mail:Host is not set: invitations are kept, and their mails wait")]
    private partial void LogNotConfigured();

    [LoggerMessage(2002, LogLevel.Warning, "Sending mails was interrupted; it goes on in a few seconds")]
    private partial void LogInterrupted(Exception exception);

    [LoggerMessage(2003, LogLevel.Warning, "A mail was not taken: {Problem}")]
    private partial void LogRefused(string problem);
}
