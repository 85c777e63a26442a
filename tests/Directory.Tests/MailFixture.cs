using System.Collections.Concurrent;
using System.Text;
using System.Text.RegularExpressions;
using Platform.Directory.Contracts.V1;
using Platform.Directory.Service;
using Platform.Testing;

namespace Platform.Directory.Tests;

/// <summary>The directory with a mail server that keeps what it gets, and refuses what a test wants refused.</summary>
public partial class MailFixture : DirectoryFixture
{
    public const string PublicUrl = "https://platform.example/base/mcp";

    private readonly ConcurrentQueue<ReceivedMail> _mails = [];
    private readonly SmtpSink _server;

    public MailFixture(PostgresFixture postgres)
        : base(postgres) =>
        _server = new SmtpSink(
            (recipient, message) =>
            {
                _mails.Enqueue(new ReceivedMail(recipient, Encoding.Latin1.GetString(message)));
                return Task.CompletedTask;
            },
            command => Refuse(command)
        );

    /// <summary>Gets every SMTP command; an answer refuses it.</summary>
    public Func<string, string?> Refuse { get; set; } = _ => null;

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

    public sealed partial record ReceivedMail(string Recipient, string Source)
    {
        /// <summary>The text part, with the encoding for the way undone.</summary>
        public string Text => Part("text/plain");

        public string Html => Part("text/html");

        public string Token => TokenInLink().Match(Text).Groups[1].Value;

        public string Header(string name) =>
            Regex.Match(Source, $"^{name}: (.*?)\r\n(?! )", RegexOptions.Multiline | RegexOptions.Singleline).Groups[1].Value;

        private string Part(string type)
        {
            var part = Source[Source.LastIndexOf($"Content-Type: {type}", StringComparison.OrdinalIgnoreCase)..];
            var body = part[(part.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..];
            body = body.Split("\r\n--")[0];
            return part[..part.IndexOf("\r\n\r\n", StringComparison.Ordinal)].Contains("base64", StringComparison.OrdinalIgnoreCase)
                ? Encoding.UTF8.GetString(Convert.FromBase64String(body.Trim()))
                : Encoded()
                    .Replace(body.Replace("=\r\n", "", StringComparison.Ordinal), match =>
                        ((char)Convert.ToByte(match.Groups[1].Value, 16)).ToString()
                    );
        }

        [GeneratedRegex(@"https://platform\.example/base/join\?token=([\w-]{43})\b")]
        private static partial Regex TokenInLink();

        [GeneratedRegex("=([0-9A-F]{2})")]
        private static partial Regex Encoded();
    }
}
