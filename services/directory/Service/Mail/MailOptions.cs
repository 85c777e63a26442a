using Microsoft.Extensions.Options;
using MimeKit;

namespace Platform.Directory.Service.Mail;

/// <summary>How mails leave (section <c>Mail</c>). Without a host none does: they wait.</summary>
internal sealed class MailOptions
{
    public const string WaitingNotice =
        "No mail leaves: the server has no mail settings (Mail:Host). "
        + "The mails wait until an operator sets them; nobody has been notified yet.";

    /// <summary>The mail server. Without one mails wait.</summary>
    public string Host { get; set; } = "";

    /// <summary>Its port for submission.</summary>
    public int Port { get; set; } = 587;

    /// <summary>Demands an encrypted connection. Off only for a relay in the same private network.</summary>
    public bool StartTls { get; set; } = true;

    /// <summary>User name for signing in to the mail server; empty: no sign-in.</summary>
    public string Username { get; set; } = "";

    /// <summary>The password of that user.</summary>
    public string Password { get; set; } = "";

    /// <summary>The sender's address.</summary>
    public string From { get; set; } = "";

    /// <summary>The name beside it.</summary>
    public string FromName { get; set; } = "Platform";

    /// <summary>How long one mail may take.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How many connections this process has to the mail server, at most: a mail takes a dozen waits for it, one after the other.
    /// </summary>
    public int Connections { get; set; } = 4;

    /// <summary>A folder that takes the mails in development, in place of a mail server.</summary>
    public string Sink { get; set; } = "";

    public bool IsConfigured => Host.Length > 0 || UsesFolder;

    /// <summary>A mail server goes before the folder.</summary>
    public bool UsesFolder => Host.Length == 0 && Sink.Length > 0;

    /// <summary>For answers: empty when mails leave.</summary>
    public string Notice => IsConfigured ? "" : WaitingNotice;
}

/// <summary>Refuses settings with which every mail would fail, or a password would travel in clear text.</summary>
internal sealed class MailOptionsValidator(IConfiguration configuration) : IValidateOptions<MailOptions>
{
    public ValidateOptionsResult Validate(string? name, MailOptions options)
    {
        var failures = new List<string>();
        if (!options.IsConfigured)
        {
            return ValidateOptionsResult.Success;
        }

        if (!MailboxAddress.TryParse(options.From, out var from) || from.Domain.Length == 0)
        {
            failures.Add("Mail:From must be the sender's address when Mail:Host is set.");
        }

        if (options.Port is < 1 or > 65535)
        {
            failures.Add("Mail:Port must be between 1 and 65535.");
        }

        if (options.Connections is < 1 or > 50)
        {
            failures.Add("Mail:Connections must be between 1 and 50.");
        }

        if (options.Username.Length > 0 && !options.StartTls)
        {
            failures.Add("Mail:Username needs Mail:StartTls: the password must not travel in clear text.");
        }

        if (!Uri.TryCreate(configuration["Edge:PublicUrl"], UriKind.Absolute, out _))
        {
            failures.Add("Edge:PublicUrl is needed when Mail:Host is set: the links in mails begin with it.");
        }

        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }
}
