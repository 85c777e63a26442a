using System.Text;
using MimeKit;
using Platform.Contracts;
using Platform.Directory.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.Directory.Service.Mail;
using Platform.Testing;

namespace Platform.Directory.Tests;

public sealed class MailTests(MailFixture directory) : IClassFixture<MailFixture>, IDisposable
{
    public void Dispose() => directory.Refuse = _ => null;

    [Fact]
    public async Task An_invitation_becomes_one_mail_that_says_who_what_and_where()
    {
        var (acme, _, invitation, token) = await directory.InviteAsync("one@mail.example", name: "<b>Bolts & Co</b>");
        var mail = Assert.Single(directory.MailsTo("one@mail.example"));
        Assert.Contains("Member owner invites you to join <b>Bolts & Co</b>.", mail.Text, StringComparison.Ordinal);
        Assert.Contains("&lt;b&gt;Bolts &amp; Co&lt;/b&gt;", mail.Html, StringComparison.Ordinal);
        Assert.DoesNotContain("<b>Bolts", mail.Html, StringComparison.Ordinal);
        Assert.Contains($"https://platform.example/base/join?token={token}", mail.Html, StringComparison.Ordinal);
        Ids.TryParse("inv", invitation, out var id);
        Assert.Equal($"<{id:N}.1@platform.example>", mail.Header("Message-ID"));
        await Eventually.AsyncTrue(async () => (await FindAsync(acme.Owner, "one@mail.example")).Mail == "sent");
        var kept = await FindAsync(acme.Owner, "one@mail.example");
        Assert.NotNull(kept.MailedAt);
        Assert.Empty(kept.MailProblem);
    }

    [Fact]
    public async Task Only_the_hash_of_a_token_is_kept_and_no_event_has_either()
    {
        var (acme, _, _, token) = await directory.InviteAsync("hash@mail.example");
        var hash = System.Security.Cryptography.SHA256.HashData(Encoding.ASCII.GetBytes(token));
        Assert.Equal(1, await directory.CountAsync("directory.invitation_token where token_hash = $1", hash));
        foreach (var table in new[] { "directory.invitation", "directory.mail", "directory.invitation_token", "platform.outbox" })
        {
            Assert.Equal(0, await directory.CountAsync($"{table} t where t::text like '%' || $1 || '%'", token));
        }

        Assert.Equal(
            0,
            await directory.CountAsync("platform.outbox where workspace_id = $1 and envelope like '%hash@mail.example%'", acme.Id)
        );
    }

    [Fact]
    public async Task A_thousand_invitations_share_connections()
    {
        var acme = await directory.AddWorkspaceAsync();
        var organization = (await directory.CreateOrganizationAsync(acme.Owner)).Id;
        var before = directory.Connections;
        var request = new CreateInvitationsRequest { OrganizationId = organization };
        request.Invitations.AddRange(Enumerable.Range(0, 1000).Select(index => new InvitationRow { Email = $"bulk{index}@mail.example" }));
        await directory.Invitations.CreateInvitationsAsync(request, directory.As(acme.Owner));
        await Eventually.AsyncTrue(async () =>
            await directory.CountAsync("directory.mail where workspace_id = $1 and state = 'sent'", acme.Id) == 1000
        );
        Assert.All(Enumerable.Range(0, 1000), index => Assert.Single(directory.MailsTo($"bulk{index}@mail.example")));
        Assert.InRange(directory.Connections - before, 1, 5);
    }

    [Fact]
    public async Task What_the_server_puts_off_comes_later_with_the_same_message_id()
    {
        directory.Refuse = command => command.StartsWith("MAIL", StringComparison.Ordinal) ? "421 come back later" : null;
        var acme = await directory.AddWorkspaceAsync();
        var organization = (await directory.CreateOrganizationAsync(acme.Owner)).Id;
        await directory.Invitations.CreateInvitationsAsync(
            new CreateInvitationsRequest
            {
                OrganizationId = organization,
                Invitations =
                {
                    new InvitationRow { Email = "late1@mail.example" },
                    new InvitationRow { Email = "late2@mail.example" },
                },
            },
            directory.As(acme.Owner)
        );
        await Eventually.AsyncTrue(async () =>
            (await FindAsync(acme.Owner, "late1@mail.example")).MailProblem.Length > 0
            && (await FindAsync(acme.Owner, "late2@mail.example")).MailProblem.Length > 0
        );
        Assert.Equal(
            ("waiting", "the mail server answered 421"),
            ((await FindAsync(acme.Owner, "late1@mail.example")).Mail, (await FindAsync(acme.Owner, "late1@mail.example")).MailProblem)
        );
        Assert.Empty(directory.MailsTo("late1@mail.example"));

        directory.Refuse = _ => null;
        directory.Clock.Advance(TimeSpan.FromMinutes(3));
        var first = Assert.Single(await directory.WaitForMailAsync("late1@mail.example"));
        Assert.Single(await directory.WaitForMailAsync("late2@mail.example"));
        Assert.Contains(".1@platform.example", first.Header("Message-ID"), StringComparison.Ordinal);
        Assert.NotNull(await directory.FindOfferAsync(first.Token));
    }

    [Fact]
    public async Task A_server_that_wants_a_sign_in_is_told_and_the_mails_wait()
    {
        var asked = 0;
        await using var server = new SmtpServer(
            (_, _) => Task.CompletedTask,
            command => command.StartsWith("MAIL", StringComparison.Ordinal) && ++asked > 0 ? "530 5.7.0 Authentication Required" : null
        );
        var options = new MailOptions
        {
            Host = "127.0.0.1",
            Port = server.Port,
            From = "platform@mail.example",
            StartTls = false,
        };
        await using var connection = new SmtpConnection(options);
        using var message = Message();

        var refused = await Assert.ThrowsAsync<MailRefusedException>(() =>
            connection.SendAsync(message, TestContext.Current.CancellationToken)
        );

        Assert.Equal((1, false, false), (asked, refused.IsAboutTheMail, refused.IsFinal));
        Assert.Contains("wants a sign-in", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_mail_never_goes_over_a_connection_that_could_not_sign_in()
    {
        var mails = 0;
        await using var server = new SmtpServer(
            (_, _) => Task.CompletedTask,
            command =>
            {
                mails += command.StartsWith("MAIL", StringComparison.Ordinal) ? 1 : 0;
                return command.StartsWith("EHLO", StringComparison.Ordinal) ? "250-ready\r\n250 AUTH XOAUTH2" : null;
            }
        );
        var options = new MailOptions
        {
            Host = "127.0.0.1",
            Port = server.Port,
            From = "platform@mail.example",
            StartTls = false,
            Username = "platform",
            Password = "secret",
        };
        await using var connection = new SmtpConnection(options);
        using var message = Message();

        for (var attempt = 0; attempt < 2; attempt++)
        {
            var refused = await Assert.ThrowsAsync<MailRefusedException>(() =>
                connection.SendAsync(message, TestContext.Current.CancellationToken)
            );
            Assert.False(refused.IsFinal);
            Assert.Contains("sign-in", refused.Message, StringComparison.Ordinal);
        }

        Assert.Equal(0, mails);
    }

    [Fact]
    public async Task An_address_that_the_server_refuses_for_good_is_told_and_stops_nobody_else()
    {
        directory.Refuse = command => command.Contains("<wrong@", StringComparison.Ordinal) ? "550 no such mailbox" : null;
        var acme = await directory.AddWorkspaceAsync();
        var organization = (await directory.CreateOrganizationAsync(acme.Owner)).Id;
        await directory.Invitations.CreateInvitationsAsync(
            new CreateInvitationsRequest
            {
                OrganizationId = organization,
                Invitations =
                {
                    new InvitationRow { Email = "wrong@mail.example" },
                    new InvitationRow { Email = "right@mail.example" },
                },
            },
            directory.As(acme.Owner)
        );
        await directory.WaitForMailAsync("right@mail.example");
        await Eventually.AsyncTrue(async () => (await FindAsync(acme.Owner, "wrong@mail.example")).Mail == "failed");
        Assert.Equal("the mail server answered 550", (await FindAsync(acme.Owner, "wrong@mail.example")).MailProblem);
    }

    [Fact]
    public async Task A_mail_whose_sender_died_is_sent_by_another_after_a_while()
    {
        var (acme, _, invitation, first) = await directory.InviteAsync("lease@mail.example");
        await Eventually.AsyncTrue(async () => (await FindAsync(acme.Owner, "lease@mail.example")).Mail == "sent");
        Ids.TryParse("inv", invitation, out var id);
        // As it stood between the server's answer and the mark.
        await directory.ExecuteAsync("update directory.mail set state = 'waiting', sent_at = null, due_at = now() where id = $1", id);
        var mails = await directory.WaitForMailAsync("lease@mail.example", 2);
        Assert.Equal(mails[0].Header("Message-ID"), mails[1].Header("Message-ID"));
        // Whichever of the two a mailbox keeps, its link works.
        Assert.NotEqual(first, mails[1].Token);
        foreach (var token in new[] { first, mails[1].Token })
        {
            Assert.Equal(OfferState.Pending, (await directory.FindOfferAsync(token))?.State);
        }
    }

    [Fact]
    public async Task The_mail_of_an_invitation_that_ended_before_is_dropped()
    {
        directory.Refuse = command => command.StartsWith("MAIL", StringComparison.Ordinal) ? "421 come back later" : null;
        var acme = await directory.AddWorkspaceAsync();
        var organization = (await directory.CreateOrganizationAsync(acme.Owner)).Id;
        var invitation = (
            await directory.Invitations.CreateInvitationsAsync(
                new CreateInvitationsRequest
                {
                    OrganizationId = organization,
                    Invitations = { new InvitationRow { Email = "moot@mail.example" } },
                },
                directory.As(acme.Owner)
            )
        )
            .Results[0]
            .InvitationId;
        await Eventually.AsyncTrue(async () => (await FindAsync(acme.Owner, "moot@mail.example")).MailProblem.Length > 0);
        await directory.Invitations.RevokeInvitationAsync(
            new RevokeInvitationRequest { InvitationId = invitation },
            directory.As(acme.Owner)
        );
        directory.Refuse = _ => null;
        directory.Clock.Advance(TimeSpan.FromMinutes(3));
        await Eventually.AsyncTrue(async () => (await FindAsync(acme.Owner, "moot@mail.example")).Mail == "dropped");
        Assert.Empty(directory.MailsTo("moot@mail.example"));
    }

    [Fact]
    public async Task Resending_mails_once_more_and_at_most_three_times_an_hour()
    {
        var (acme, organization, invitation, first) = await directory.InviteAsync("again@mail.example");
        await Eventually.AsyncTrue(async () => (await FindAsync(acme.Owner, "again@mail.example")).Mail == "sent");
        Assert.Null(await ResendAsync(acme.Owner, invitation));
        var mails = await directory.WaitForMailAsync("again@mail.example", 2);
        Assert.NotEqual(mails[0].Header("Message-ID"), mails[1].Header("Message-ID"));
        Assert.NotNull(await directory.FindOfferAsync(first));
        var announced = await directory.Events.WaitAsync(happened =>
            happened.WorkspaceId == acme.Id && happened.Type == nameof(InvitationResent)
        );
        Assert.Equal(
            (invitation, organization),
            (announced.Read<InvitationResent>().InvitationId, announced.Read<InvitationResent>().OrganizationId)
        );

        var reasons = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => ResendAsync(acme.Owner, invitation)));
        Assert.Equal((1, 7), (reasons.Count(reason => reason is null), reasons.Count(reason => reason == "RESEND_LIMIT")));
        directory.Clock.Advance(TimeSpan.FromMinutes(61));
        Assert.Null(await ResendAsync(acme.Owner, invitation));
    }

    [Fact]
    public async Task Repeating_a_resend_with_the_same_idempotency_key_mails_once()
    {
        var (acme, _, invitation, _) = await directory.InviteAsync("twice@mail.example");
        for (var time = 0; time < 4; time++)
        {
            await directory.Invitations.ResendInvitationAsync(
                new ResendInvitationRequest { InvitationId = invitation },
                directory.As(acme.Owner, idempotencyKey: "resend")
            );
        }

        Ids.TryParse("inv", invitation, out var id);
        Assert.Equal(1, await directory.CountAsync("directory.mail where id = $1 and edition = 2", id));
    }

    [Fact]
    public async Task Only_pending_invitations_of_here_are_resent_and_viewers_may_not()
    {
        var (acme, _, invitation, _) = await directory.InviteAsync("strict@mail.example");
        Assert.Equal("NOT_FOUND", await ResendAsync((await directory.AddWorkspaceAsync()).Owner, invitation));
        Assert.Equal("NOT_FOUND", await ResendAsync(acme.InProduction, invitation));
        Assert.Equal("PERMISSION_DENIED", await ResendAsync(acme.Viewer, invitation));
        Assert.Equal("INVALID_ARGUMENT", await ResendAsync(acme.Owner, "inv_x"));
        await directory.Invitations.RevokeInvitationAsync(
            new RevokeInvitationRequest { InvitationId = invitation },
            directory.As(acme.Owner)
        );
        Assert.Equal("INVITATION_REVOKED", await ResendAsync(acme.Owner, invitation));
    }

    [Fact]
    public void Settings_that_would_lose_mails_or_show_a_password_stop_the_start()
    {
        var validator = new MailOptionsValidator(new Microsoft.Extensions.Configuration.ConfigurationManager());
        Assert.True(validator.Validate(null, new MailOptions()).Succeeded);
        var failures = validator
            .Validate(
                null,
                new MailOptions
                {
                    Host = "smtp.example",
                    Port = 0,
                    Username = "u",
                    StartTls = false,
                }
            )
            .Failures!;
        Assert.Equal(["Mail:From", "Mail:Port", "Mail:Username", "Edge:PublicUrl"], failures.Select(failure => failure.Split(' ')[0]));
    }

    [Fact]
    public async Task The_development_folder_files_whole_mails_by_recipient()
    {
        var folder = System.IO.Directory.CreateTempSubdirectory("mail-folder").FullName;
        try
        {
            await using var files = new MailFolder(folder, TimeProvider.System);
            using var message = Message(".dot\n.dot");
            await files.SendAsync(message, TestContext.Current.CancellationToken);
            var file = Assert.Single(System.IO.Directory.GetFiles(folder));
            Assert.EndsWith("-a@mail.example.eml", file, StringComparison.Ordinal);
            if (!OperatingSystem.IsWindows())
            {
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
            }

            Assert.Contains(
                "Message-ID: <id.1@mail.example>",
                await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken),
                StringComparison.OrdinalIgnoreCase
            );
            using var filed = await MimeKit.MimeMessage.LoadAsync(file, TestContext.Current.CancellationToken);
            Assert.Contains("join .dot .dot.", filed.TextBody, StringComparison.Ordinal);
        }
        finally
        {
            System.IO.Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task A_server_without_encryption_gets_nothing_while_encryption_is_demanded()
    {
        await using var server = new SmtpServer((_, _) => throw new InvalidOperationException("A mail came in clear text."));
        await using var connection = new SmtpConnection(
            new MailOptions
            {
                Host = "127.0.0.1",
                Port = server.Port,
                Username = "user",
                Password = "not to be seen",
            }
        );
        using var message = Message();
        var refused = await Assert.ThrowsAsync<MailRefusedException>(() =>
            connection.SendAsync(message, TestContext.Current.CancellationToken)
        );
        Assert.Contains("STARTTLS", refused.Message, StringComparison.Ordinal);
        Assert.Equal((false, false), (refused.IsAboutTheMail, refused.IsFinal));
    }

    private static MimeMessage Message(string organization = "Acme") =>
        new InvitationMail(
            "a@mail.example",
            "",
            organization,
            DateTimeOffset.UnixEpoch,
            new Uri("https://x.example/join?token=1")
        ).ToMessage(new MailOptions { From = "from@mail.example" }, "id.1");

    private async Task<Invitation> FindAsync(TestCaller caller, string email) =>
        Assert.Single(
            (
                await directory.Invitations.ListInvitationsAsync(new ListInvitationsRequest { Email = email }, directory.As(caller))
            ).Invitations
        );

    private Task<string?> ResendAsync(TestCaller caller, string invitation) =>
        Calls.ReasonAsync(
            directory.Invitations.ResendInvitationAsync(new ResendInvitationRequest { InvitationId = invitation }, directory.As(caller))
        );
}
