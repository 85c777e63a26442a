using Platform.Directory.Contracts.V1;
using Platform.Testing;

namespace Platform.Directory.Tests;

/// <summary>What happens to mails when a session with the database ends.</summary>
public sealed class MailInterruptionTests(MailFixture directory) : IClassFixture<MailFixture>
{
    [Fact]
    public async Task A_mail_that_left_while_the_database_ended_its_sessions_leaves_once()
    {
        directory.Taken = recipient => recipient == "once@mail.example" ? EndSessionsAsync() : Task.CompletedTask;
        var (acme, _, _, _) = await directory.InviteAsync("once@mail.example");
        await Eventually.AsyncTrue(async () =>
            await directory.CountAsync("directory.mail where workspace_id = $1 and state = 'sent'", acme.Id) == 1
        );
        directory.Clock.Advance(TimeSpan.FromMinutes(40));
        await directory.InviteAsync("after@mail.example");
        Assert.Single(directory.MailsTo("once@mail.example"));
    }

    [Fact]
    public async Task Mails_that_were_taken_and_not_tried_when_a_session_ended_leave_at_once_and_not_when_the_lease_ends()
    {
        var hits = 0;
        directory.Taken = recipient =>
            recipient.StartsWith("many", StringComparison.Ordinal) && Interlocked.Increment(ref hits) == 3
                ? EndSessionsAsync()
                : Task.CompletedTask;
        var acme = await directory.AddWorkspaceAsync();
        var organization = (await directory.CreateOrganizationAsync(acme.Owner)).Id;
        var request = new CreateInvitationsRequest { OrganizationId = organization };
        request.Invitations.AddRange(Enumerable.Range(0, 30).Select(index => new InvitationRow { Email = $"many{index}@mail.example" }));
        await directory.Invitations.CreateInvitationsAsync(request, directory.As(acme.Owner));
        // The clock runs as fast as usual: nothing waits for a lease of minutes.
        await Eventually.AsyncTrue(async () =>
            await directory.CountAsync("directory.mail where workspace_id = $1 and state = 'sent'", acme.Id) == 30
        );
        Assert.All(Enumerable.Range(0, 30), index => Assert.Single(directory.MailsTo($"many{index}@mail.example")));
    }

    private async Task EndSessionsAsync()
    {
        await using var end = directory.Admin.CreateCommand(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and usename = 'directory_app'"
        );
        await end.ExecuteNonQueryAsync();
    }
}
