using Platform.Contracts;
using Platform.Directory.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.Testing;

namespace Platform.Directory.Tests;

public sealed class DeleteOrganizationTests(DirectoryFixture directory) : IClassFixture<DirectoryFixture>
{
    [Fact]
    public async Task The_first_call_changes_nothing_and_counts_what_would_go()
    {
        var (acme, organization) = await ArrangeAsync();
        var confirmation = await PreviewAsync(acme.Owner, organization);
        Assert.Equal(
            $$$"""{"organization":{"id":"{{{organization}}}","name":"Globex"}"""
                + ""","domains":2,"invitations":3,"pendingInvitations":3,"memberships":1}""",
            confirmation.Preview.Utf8.ToStringUtf8()
        );
        Assert.Equal(1, await directory.CountAsync("directory.organization where workspace_id = $1", acme.Id));
    }

    [Fact]
    public async Task The_second_call_takes_everything_with_it_and_leaves_the_users()
    {
        var (acme, organization) = await ArrangeAsync();
        var bystander = await directory.CreateOrganizationAsync(acme.Owner, "Bystander", "bystander.example");
        var answer = await directory.Organizations.DeleteOrganizationAsync(
            new DeleteOrganizationRequest { OrganizationId = organization },
            directory.As(acme.Owner, confirmation: (await PreviewAsync(acme.Owner, organization)).Token)
        );

        Assert.Equal(
            new DeletedWithOrganization
            {
                Domains = 2,
                Invitations = 3,
                Memberships = 1,
            },
            answer.Deleted
        );
        Assert.Equal(0, await directory.CountAsync("directory.invitation where workspace_id = $1", acme.Id));
        Assert.Equal(0, await directory.CountAsync("directory.membership where workspace_id = $1", acme.Id));
        Assert.Equal(1, await directory.CountAsync("directory.directory_user where workspace_id = $1", acme.Id));
        Assert.Equal(1, await directory.CountAsync("directory.organization_domain where workspace_id = $1", acme.Id));
        Assert.Equal(
            "Bystander",
            (
                await directory.Organizations.GetOrganizationAsync(
                    new GetOrganizationRequest { OrganizationId = bystander.Id },
                    directory.As(acme.Owner)
                )
            )
                .Organization
                .Name
        );
        var announced = await directory.Events.WaitAsync(happened =>
            happened.WorkspaceId == acme.Id && happened.Type == nameof(OrganizationDeleted)
        );
        var happened = announced.Read<OrganizationDeleted>();
        Assert.Equal(
            (organization, "Globex", 2, 3, 1),
            (happened.OrganizationId, happened.Name, happened.Domains, happened.Invitations, happened.Memberships)
        );
    }

    [Fact]
    public async Task Of_a_hundred_concurrent_uses_of_one_confirmation_one_wins()
    {
        var (acme, organization) = await ArrangeAsync();
        var token = (await PreviewAsync(acme.Owner, organization)).Token;
        var reasons = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => DeleteAsync(acme.Owner, organization, token)));
        Assert.Equal(1, reasons.Count(reason => reason is null));
        Assert.All(reasons.Where(reason => reason is not null), reason =>
            Assert.True(reason is "NOT_FOUND" or "CONFIRMATION_USED", reason)
        );
        Assert.Equal(
            1,
            await directory.CountAsync("platform.outbox where workspace_id = $1 and envelope like '%organization.deleted%'", acme.Id)
        );
    }

    [Fact]
    public async Task Repeating_with_the_same_idempotency_key_answers_again()
    {
        var (acme, organization) = await ArrangeAsync();
        var token = (await PreviewAsync(acme.Owner, organization)).Token;
        var answers = await Task.WhenAll(
            Enumerable
                .Range(0, 8)
                .Select(_ =>
                    directory
                        .Organizations.DeleteOrganizationAsync(
                            new DeleteOrganizationRequest { OrganizationId = organization },
                            directory.As(acme.Owner, idempotencyKey: "once", confirmation: token)
                        )
                        .ResponseAsync
                )
        );
        Assert.Single(answers.Distinct());
    }

    [Fact]
    public async Task A_confirmation_of_another_organization_is_refused()
    {
        var (acme, organization) = await ArrangeAsync();
        var other = await directory.CreateOrganizationAsync(acme.Owner, "Other");
        Assert.Equal("CONFIRMATION_INVALID", await DeleteAsync(acme.Owner, other.Id, (await PreviewAsync(acme.Owner, organization)).Token));
    }

    [Fact]
    public async Task A_confirmation_of_another_member_or_token_is_refused()
    {
        var (acme, organization) = await ArrangeAsync();
        var token = (await PreviewAsync(acme.Owner, organization)).Token;
        Assert.Equal("CONFIRMATION_INVALID", await DeleteAsync(acme.Owner with { Member = Ids.New() }, organization, token));
        Assert.Equal("CONFIRMATION_INVALID", await DeleteAsync(acme.Owner with { Token = "tok_other" }, organization, token));
        Assert.Null(await DeleteAsync(acme.Owner, organization, token));
    }

    [Fact]
    public async Task What_changed_since_the_preview_wants_a_new_one()
    {
        var (acme, organization) = await ArrangeAsync();
        var invited = (await InviteAsync(acme.Owner, organization, "late@example.com")).Results[0].InvitationId;

        var token = (await PreviewAsync(acme.Owner, organization)).Token;
        await directory.Organizations.UpdateOrganizationAsync(
            new UpdateOrganizationRequest { OrganizationId = organization, Name = "Renamed" },
            directory.As(acme.Owner)
        );
        Assert.Equal("CONFIRMATION_STALE", await DeleteAsync(acme.Owner, organization, token));

        token = (await PreviewAsync(acme.Owner, organization)).Token;
        await InviteAsync(acme.Owner, organization, "later@example.com");
        Assert.Equal("CONFIRMATION_STALE", await DeleteAsync(acme.Owner, organization, token));

        token = (await PreviewAsync(acme.Owner, organization)).Token;
        await directory.Invitations.RevokeInvitationAsync(new RevokeInvitationRequest { InvitationId = invited }, directory.As(acme.Owner));
        Assert.Equal("CONFIRMATION_STALE", await DeleteAsync(acme.Owner, organization, token));

        Assert.Null(await DeleteAsync(acme.Owner, organization, (await PreviewAsync(acme.Owner, organization)).Token));
    }

    [Fact]
    public async Task An_invitation_made_at_the_same_moment_either_stops_the_deletion_or_finds_nothing()
    {
        var (acme, organization) = await ArrangeAsync();
        var token = (await PreviewAsync(acme.Owner, organization)).Token;
        var inviting = InviteAsync(acme.Owner, organization, "racing@example.com");
        var deleted = await DeleteAsync(acme.Owner, organization, token);
        var outcome = (await inviting).Results[0].Outcome;
        Assert.Contains(
            (deleted, outcome),
            new[] { ("CONFIRMATION_STALE", InvitationOutcome.Created), ((string?)null, InvitationOutcome.Invalid) }
        );
    }

    [Fact]
    public async Task From_elsewhere_it_is_not_found_and_without_the_permission_refused()
    {
        var (acme, organization) = await ArrangeAsync();
        var other = await directory.AddWorkspaceAsync();
        Assert.Equal("NOT_FOUND", await DeleteAsync(other.Owner, organization, null));
        Assert.Equal("NOT_FOUND", await DeleteAsync(acme.InProduction, organization, null));
        Assert.Equal(
            "PERMISSION_DENIED",
            await DeleteAsync(acme.Owner with { Permissions = ["directory:read", "directory:write"] }, organization, null)
        );
        Assert.Equal("INVALID_ARGUMENT", await DeleteAsync(acme.Owner, "org_x", null));
    }

    private async Task<(TestWorkspace Workspace, string Organization)> ArrangeAsync()
    {
        var acme = await directory.AddWorkspaceAsync();
        var organization = await directory.CreateOrganizationAsync(acme.Owner, "Globex", "globex.example", "globex.test");
        await InviteAsync(acme.Owner, organization.Id, "a@example.com", "b@example.com", "c@example.com");
        Ids.TryParse("org", organization.Id, out var id);
        await directory.AddUserAsync(acme, id, "joined@example.com");
        return (acme, organization.Id);
    }

    private async Task<CreateInvitationsResponse> InviteAsync(TestCaller caller, string organization, params string[] emails) =>
        await directory.Invitations.CreateInvitationsAsync(
            new CreateInvitationsRequest
            {
                OrganizationId = organization,
                Invitations = { emails.Select(email => new InvitationRow { Email = email }) },
            },
            directory.As(caller)
        );

    private async Task<Confirmation> PreviewAsync(TestCaller caller, string organization)
    {
        var problem = await directory
            .Organizations.DeleteOrganizationAsync(new DeleteOrganizationRequest { OrganizationId = organization }, directory.As(caller))
            .ProblemAsync();
        Assert.Equal("CONFIRMATION_REQUIRED", problem.Reason);
        return problem.Confirmation;
    }

    private Task<string?> DeleteAsync(TestCaller caller, string organization, string? confirmation) =>
        Calls.ReasonAsync(
            directory.Organizations.DeleteOrganizationAsync(
                new DeleteOrganizationRequest { OrganizationId = organization },
                directory.As(caller, confirmation: confirmation)
            )
        );
}
