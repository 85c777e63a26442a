using Platform.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.Testing;

namespace Platform.Directory.Tests;

public sealed class ListInvitationsTests(DirectoryFixture directory) : IClassFixture<DirectoryFixture>
{
    [Fact]
    public async Task States_follow_from_what_happened_and_from_the_time()
    {
        var (acme, invited) = await ArrangeAsync("pending", "accepted", "expired", "revoked");
        await directory.ExecuteAsync(
            "update directory.invitation set accepted_at = now(), is_open = false where id = $1",
            invited["accepted"]
        );
        await directory.ExecuteAsync(
            "update directory.invitation set expires_at = now() - interval '1 second' where id = $1",
            invited["expired"]
        );
        await directory.ExecuteAsync(
            "update directory.invitation set revoked_at = now(), is_open = false where id = $1",
            invited["revoked"]
        );
        foreach (var state in invited.Keys)
        {
            var found = Assert.Single((await ListAsync(acme.Viewer, new ListInvitationsRequest { State = state })).Invitations);
            Assert.Equal(($"{state}@example.com", state), (found.Email, found.State));
        }

        Assert.Equal(4, (await ListAsync(acme.Viewer, new ListInvitationsRequest())).Invitations.Count);
    }

    [Fact]
    public async Task Pages_show_every_invitation_once_newest_first()
    {
        var (acme, invited) = await ArrangeAsync("a", "b", "c", "d", "e");
        var (listed, request) = (new List<string>(), new ListInvitationsRequest { Limit = 2 });
        ListInvitationsResponse page;
        do
        {
            page = await ListAsync(acme.Owner, request);
            listed.AddRange(page.Invitations.Select(invitation => invitation.Id));
            request.Cursor = page.Page.NextCursor;
        } while (page.Page.HasMore);
        Assert.Equal(invited.Values.Select(id => Ids.Format("inv", id)).Reverse(), listed);
    }

    [Fact]
    public async Task Another_workspace_and_another_environment_list_nothing_of_it()
    {
        var (acme, _) = await ArrangeAsync("hidden");
        var other = await directory.AddWorkspaceAsync();
        Assert.Empty((await ListAsync(other.Owner, new ListInvitationsRequest())).Invitations);
        Assert.Empty((await ListAsync(acme.InProduction, new ListInvitationsRequest { Email = "hidden@example.com" })).Invitations);
    }

    [Theory]
    [InlineData("maybe", "", "", "state")]
    [InlineData("", "no at", "", "email")]
    [InlineData("", "", "wks_x", "organizationId")]
    public async Task A_field_that_breaks_a_rule_is_named(string state, string email, string organization, string field)
    {
        var acme = await directory.AddWorkspaceAsync();
        var problem = await directory
            .Invitations.ListInvitationsAsync(
                new ListInvitationsRequest
                {
                    State = state,
                    Email = email,
                    OrganizationId = organization,
                },
                directory.As(acme.Owner)
            )
            .ProblemAsync();
        Assert.Equal(("INVALID_ARGUMENT", field), (problem.Reason, Assert.Single(problem.Violations).Field));
    }

    [Fact]
    public async Task Without_the_permission_it_is_refused()
    {
        var acme = await directory.AddWorkspaceAsync();
        Assert.Equal(
            "PERMISSION_DENIED",
            await Calls.ReasonAsync(
                directory.Invitations.ListInvitationsAsync(
                    new ListInvitationsRequest(),
                    directory.As(acme.Owner with { Permissions = ["directory:write"] })
                )
            )
        );
    }

    private async Task<(TestWorkspace Workspace, Dictionary<string, Guid> Invited)> ArrangeAsync(params string[] names)
    {
        var acme = await directory.AddWorkspaceAsync();
        var organization = await directory.CreateOrganizationAsync(acme.Owner);
        var answer = await directory.Invitations.CreateInvitationsAsync(
            new CreateInvitationsRequest
            {
                OrganizationId = organization.Id,
                Invitations = { names.Select(name => new InvitationRow { Email = $"{name}@example.com" }) },
            },
            directory.As(acme.Owner)
        );
        return (
            acme,
            names
                .Zip(answer.Results, (name, result) => (name, result))
                .ToDictionary(pair => pair.name, pair => Ids.TryParse("inv", pair.result.InvitationId, out var id) ? id : default)
        );
    }

    private async Task<ListInvitationsResponse> ListAsync(TestCaller caller, ListInvitationsRequest request) =>
        await directory.Invitations.ListInvitationsAsync(request, directory.As(caller));
}
