using System.Collections.Concurrent;
using System.Text.RegularExpressions;
using MimeKit;
using Platform.Directory.Contracts.V1;
using Platform.Testing;

namespace Platform.Directory.Tests;

/// <summary>The directory with a mail server that keeps what it gets, and refuses what a test wants refused.</summary>
public partial class MailFixture : DirectoryFixture
{
    public const string PublicUrl = "https://platform.example/base/mcp";

    private readonly ConcurrentQueue<ReceivedMail> _mails = [];
    private readonly SmtpServer _server;

    public MailFixture(PostgresFixture postgres)
        : base(postgres) =>
        _server = new SmtpServer(
            async (recipient, message) =>
            {
                _mails.Enqueue(new ReceivedMail(recipient, message));
                await Taken(recipient);
            },
            command => Refuse(command)
        );

    /// <summary>Gets every SMTP command; an answer refuses it.</summary>
    public Func<string, string?> Refuse { get; set; } = _ => null;

    /// <summary>Happens when the server has a mail, before it says so.</summary>
    public Func<string, Task> Taken { get; set; } = _ => Task.CompletedTask;

    public int Connections => _server.Connections;

    public IReadOnlyList<ReceivedMail> MailsTo(string recipient) => [.. _mails.Where(mail => mail.Recipient == recipient)];

    /// <summary>Waits until an address has got so many mails.</summary>
    public async Task<IReadOnlyList<ReceivedMail>> WaitForMailAsync(string recipient, int count = 1)
    {
        await Eventually.True(() => MailsTo(recipient).Count >= count, () => $"{count} mails to {recipient}");
        return MailsTo(recipient);
    }

    /// <summary>Invites somebody to a new organization and gives the token of the mail.</summary>
    public async Task<(TestWorkspace Workspace, string Organization, string Invitation, string Token)> InviteAsync(
        string email,
        string name = "Globex",
        string role = "member"
    )
    {
        var acme = await AddWorkspaceAsync();
        var organization = (await CreateOrganizationAsync(acme.Owner, name)).Id;
        var result = (
            await Invitations.CreateInvitationsAsync(
                new CreateInvitationsRequest
                {
                    OrganizationId = organization,
                    Role = role,
                    Invitations = { new InvitationRow { Email = email } },
                },
                As(acme.Owner)
            )
        ).Results[0];
        return (acme, organization, result.InvitationId, (await WaitForMailAsync(email))[^1].Token);
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await _server.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    protected override IEnumerable<KeyValuePair<string, string?>> Settings() =>
        new Dictionary<string, string?>
        {
            ["Edge:PublicUrl"] = PublicUrl,
            ["Mail:Host"] = "127.0.0.1",
            ["Mail:Port"] = _server.Port.ToString(System.Globalization.CultureInfo.InvariantCulture),
            ["Mail:StartTls"] = "false",
            ["Mail:From"] = "no-reply@platform.example",
        };

    public sealed partial record ReceivedMail(string Recipient, byte[] Source)
    {
        public string Text => Message.TextBody ?? "";

        public string Html => Message.HtmlBody ?? "";

        public string Token => TokenInLink().Match(Text).Groups[1].Value;

        private MimeMessage Message { get; } = MimeMessage.Load(new MemoryStream(Source));

        /// <summary>As it came, folded lines joined.</summary>
        public string Header(string name) => Message.Headers[name] ?? "";

        [GeneratedRegex(@"https://platform\.example/base/join\?token=([\w-]{43})\b")]
        private static partial Regex TokenInLink();
    }
}
