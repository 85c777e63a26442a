using Platform.Contracts;
using Platform.Directory.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.Testing;

namespace Platform.Directory.Tests;

public sealed class RevokeInvitationTests(DirectoryFixture directory) : IClassFixture<DirectoryFixture>
{
    [Fact]
    public async Task A_pending_one_is_revoked_once_and_the_address_can_be_invited_again()
    {
        var (acme, organization, invitation) = await ArrangeAsync();
        Ids.TryParse("inv", invitation, out var id);
        var reasons = await directory.RaceAsync("select from directory.invitation where id = $1 for update", id, 8, _ =>
            RevokeAsync(acme.Owner, invitation)
        );
        Assert.Equal(1, reasons.Count(reason => reason is null));
        Assert.Equal(7, reasons.Count(reason => reason == "INVITATION_REVOKED"));

        var announced = await directory.Events.WaitAsync(happened =>
            happened.WorkspaceId == acme.Id && happened.Type == nameof(InvitationRevoked)
        );
        Assert.Equal(
            (invitation, organization),
            (announced.Read<InvitationRevoked>().InvitationId, announced.Read<InvitationRevoked>().OrganizationId)
        );
        Assert.Equal(InvitationOutcome.Created, (await InviteAsync(acme.Owner, organization)).Outcome);
    }

    [Fact]
    public async Task Repeating_with_the_same_idempotency_key_answers_again()
    {
        var (acme, _, invitation) = await ArrangeAsync();
        for (var time = 0; time < 2; time++)
        {
            var answer = await directory.Invitations.RevokeInvitationAsync(
                new RevokeInvitationRequest { InvitationId = invitation },
                directory.As(acme.Owner, idempotencyKey: "revoke")
            );
            Assert.Equal("revoked", answer.Invitation.State);
        }
    }

    [Theory]
    [InlineData("accepted_at = now(), is_open = false", "INVITATION_ACCEPTED")]
    [InlineData("expires_at = now() - interval '1 second'", "INVITATION_EXPIRED")]
    public async Task One_that_is_not_pending_says_why_not(string change, string reason)
    {
        var (acme, _, invitation) = await ArrangeAsync();
        Ids.TryParse("inv", invitation, out var id);
        await directory.ExecuteAsync($"update directory.invitation set {change} where id = $1", id);
        Assert.Equal(reason, await RevokeAsync(acme.Owner, invitation));
    }

    [Fact]
    public async Task From_elsewhere_it_is_not_found_and_viewers_may_not()
    {
        var (acme, _, invitation) = await ArrangeAsync();
        Assert.Equal("NOT_FOUND", await RevokeAsync((await directory.AddWorkspaceAsync()).Owner, invitation));
        Assert.Equal("NOT_FOUND", await RevokeAsync(acme.InProduction, invitation));
        Assert.Equal("PERMISSION_DENIED", await RevokeAsync(acme.Viewer, invitation));
        Assert.Equal("INVALID_ARGUMENT", await RevokeAsync(acme.Owner, "inv_x"));
        Assert.Null(await RevokeAsync(acme.Owner, invitation));
    }

    private async Task<(TestWorkspace Workspace, string Organization, string Invitation)> ArrangeAsync()
    {
        var acme = await directory.AddWorkspaceAsync();
        var organization = (await directory.CreateOrganizationAsync(acme.Owner)).Id;
        return (acme, organization, (await InviteAsync(acme.Owner, organization)).InvitationId);
    }

    private async Task<InvitationResult> InviteAsync(TestCaller caller, string organization) =>
        (
            await directory.Invitations.CreateInvitationsAsync(
                new CreateInvitationsRequest
                {
                    OrganizationId = organization,
                    Invitations = { new InvitationRow { Email = "guest@example.com" } },
                },
                directory.As(caller)
            )
        ).Results[0];

    private Task<string?> RevokeAsync(TestCaller caller, string invitation) =>
        Calls.ReasonAsync(
            directory.Invitations.RevokeInvitationAsync(new RevokeInvitationRequest { InvitationId = invitation }, directory.As(caller))
        );
}
