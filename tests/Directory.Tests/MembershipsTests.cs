using Platform.Contracts;
using Platform.Directory.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.ServiceDefaults.Calls;
using Platform.Testing;

namespace Platform.Directory.Tests;

public sealed class MembershipsTests(DirectoryFixture directory) : IClassFixture<DirectoryFixture>
{
    [Fact]
    public async Task A_user_joins_once_and_both_sides_list_it()
    {
        var (acme, organization, user) = await ArrangeAsync();
        var joined = await JoinAsync(acme.Owner, organization, user, "admin");
        Assert.Equal(
            (organization, "Globex", user, "ada@example.com", "admin", "active"),
            (joined.OrganizationId, joined.OrganizationName, joined.UserId, joined.Email, joined.Role, joined.State)
        );
        Assert.Equal("MEMBERSHIP_EXISTS", await CreateAsync(acme.Owner, organization, user));
        Assert.Equal([joined], await ListAsync(acme.Viewer, new ListMembershipsRequest { OrganizationId = organization }));
        Assert.Equal([joined], await ListAsync(acme.Viewer, new ListMembershipsRequest { UserId = user, State = "active" }));
        Assert.Empty(await ListAsync(acme.Viewer, new ListMembershipsRequest { UserId = user, State = "inactive" }));
        var announced = await directory.Events.WaitAsync(happened =>
            happened.WorkspaceId == acme.Id && happened.Type == nameof(MembershipCreated)
        );
        Assert.Equal(("membership.created", joined.Id), (announced.Action, announced.Read<MembershipCreated>().MembershipId));
    }

    [Fact]
    public async Task Eight_joins_at_once_are_one_membership()
    {
        var (acme, organization, user) = await ArrangeAsync();
        var reasons = await directory.RaceAsync("lock table directory.membership in share mode", null, 8, _ =>
            CreateAsync(acme.Owner, organization, user)
        );
        Assert.Equal((1, 7), (reasons.Count(reason => reason is null), reasons.Count(reason => reason == "MEMBERSHIP_EXISTS")));
        Assert.Equal(1, await directory.CountAsync("directory.membership where workspace_id = $1", acme.Id));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_membership_that_comes_about_ends_the_open_invitation_and_undoing_it_opens_it_again(bool wasInactive)
    {
        var (acme, organization, user) = await ArrangeAsync();
        var idle = wasInactive ? await JoinAsync(acme.Owner, organization, user, "member") : null;
        if (idle is not null)
        {
            await SetStateAsync(acme, idle.Id, "inactive");
        }

        await InviteAsync(acme, organization, "ADA@example.com", "admin");
        await InviteAsync(acme, organization, "other@example.com", "admin");
        var options = directory.As(acme.Owner);
        if (idle is not null)
        {
            await directory.Users.UpdateMembershipAsync(new UpdateMembershipRequest { MembershipId = idle.Id, State = "active" }, options);
        }
        else
        {
            await directory.Users.CreateMembershipAsync(
                new CreateMembershipRequest { OrganizationId = organization, UserId = user },
                options
            );
        }

        Assert.Equal(["other@example.com pending", "ada@example.com revoked"], await StatesAsync(acme));
        var announced = await directory.Events.WaitAsync(happened =>
            happened.WorkspaceId == acme.Id && happened.Type == nameof(InvitationRevoked)
        );
        Assert.Equal(("invitation.revoked", organization), (announced.Action, announced.Read<InvitationRevoked>().OrganizationId));

        var undo = new Platform.Changes.Contracts.V1.Changes.ChangesClient(directory.Channel);
        var request = new Platform.Changes.Contracts.V1.UndoChangeRequest { CallId = options.Headers!.GetValue(CallMetadata.CallId) };
        var preview = await undo.UndoChangeAsync(request, directory.As(acme.Owner)).ProblemAsync();
        await undo.UndoChangeAsync(request, directory.As(acme.Owner, confirmation: preview.Confirmation.Token));
        Assert.Equal(["other@example.com pending", "ada@example.com pending"], await StatesAsync(acme));
    }

    [Fact]
    public async Task Of_a_membership_and_an_invitation_at_once_both_never_stay_open()
    {
        var (acme, organization, user) = await ArrangeAsync();
        Ids.TryParse("org", organization, out var id);
        await directory.RaceAsync("select from directory.organization where id = $1 for update", id, 8, i =>
            i % 2 == 0 ? InviteAsync(acme, organization, "ada@example.com", "admin") : CreateAsync(acme.Owner, organization, user)
        );
        Assert.DoesNotContain("ada@example.com pending", await StatesAsync(acme));
    }

    [Fact]
    public async Task Repeating_with_the_same_idempotency_key_answers_the_same()
    {
        var (acme, organization, user) = await ArrangeAsync();
        var answers = await Task.WhenAll(
            Enumerable
                .Range(0, 8)
                .Select(_ =>
                    directory
                        .Users.CreateMembershipAsync(
                            new CreateMembershipRequest { OrganizationId = organization, UserId = user },
                            directory.As(acme.Owner, idempotencyKey: "join")
                        )
                        .ResponseAsync
                )
        );
        Assert.Single(answers.Distinct());
    }

    [Fact]
    public async Task An_inactive_membership_can_be_invited_and_becomes_active_again_with_its_new_role()
    {
        var (acme, organization, user) = await ArrangeAsync();
        var joined = await JoinAsync(acme.Owner, organization, user, "admin");
        var idle = (
            await directory.Users.UpdateMembershipAsync(
                new UpdateMembershipRequest { MembershipId = joined.Id, State = "inactive" },
                directory.As(acme.Owner)
            )
        ).Membership;
        Assert.Equal(("admin", "inactive"), (idle.Role, idle.State));
        var announced = await directory.Events.WaitAsync(happened =>
            happened.WorkspaceId == acme.Id && happened.Type == nameof(MembershipUpdated)
        );
        Assert.Equal([new FieldChange("state", "active", "inactive")], announced.Read<MembershipUpdated>().Changes);
        Assert.Equal(
            InvitationOutcome.Created,
            (
                await directory.Invitations.CreateInvitationsAsync(
                    new CreateInvitationsRequest
                    {
                        OrganizationId = organization,
                        Invitations = { new InvitationRow { Email = "ada@example.com" } },
                    },
                    directory.As(acme.Owner)
                )
            )
                .Results[0]
                .Outcome
        );

        var again = await JoinAsync(acme.Owner, organization, user, "");
        Assert.Equal((joined.Id, "member", "active"), (again.Id, again.Role, again.State));
    }

    [Fact]
    public async Task A_change_to_what_it_is_already_changes_nothing()
    {
        var (acme, organization, user) = await ArrangeAsync();
        var joined = await JoinAsync(acme.Owner, organization, user, "member");
        using var call = directory.Users.UpdateMembershipAsync(
            new UpdateMembershipRequest
            {
                MembershipId = joined.Id,
                Role = "member",
                State = "active",
            },
            directory.As(acme.Owner)
        );
        Assert.Equal(joined, (await call).Membership);
        Assert.Equal(Outcomes.Unchanged, call.GetTrailers().GetValue(CallMetadata.Outcome));
    }

    [Fact]
    public async Task Of_eight_removals_at_once_one_happens_and_the_user_stays()
    {
        var (acme, organization, user) = await ArrangeAsync();
        var joined = await JoinAsync(acme.Owner, organization, user, "member");
        Ids.TryParse("om", joined.Id, out var id);
        var reasons = await directory.RaceAsync("select from directory.membership where id = $1 for update", id, 8, _ =>
            DeleteAsync(acme.Owner, joined.Id)
        );
        Assert.Equal((1, 7), (reasons.Count(reason => reason is null), reasons.Count(reason => reason == "NOT_FOUND")));
        Assert.Equal(1, await directory.CountAsync("directory.directory_user where workspace_id = $1", acme.Id));
        await directory.Events.WaitAsync(happened => happened.WorkspaceId == acme.Id && happened.Type == nameof(MembershipDeleted));
    }

    [Fact]
    public async Task From_elsewhere_nothing_is_found_and_roles_bind()
    {
        var (acme, organization, user) = await ArrangeAsync();
        var joined = await JoinAsync(acme.Owner, organization, user, "member");
        foreach (var stranger in new[] { acme.InProduction, (await directory.AddWorkspaceAsync()).Owner })
        {
            Assert.Equal("NOT_FOUND", await CreateAsync(stranger, organization, user));
            Assert.Equal("NOT_FOUND", await DeleteAsync(stranger, joined.Id));
            Assert.Equal(
                "NOT_FOUND",
                await Calls.ReasonAsync(
                    directory.Users.UpdateMembershipAsync(
                        new UpdateMembershipRequest { MembershipId = joined.Id, Role = "admin" },
                        directory.As(stranger)
                    )
                )
            );
            Assert.Empty(await ListAsync(stranger, new ListMembershipsRequest { OrganizationId = organization }));
        }

        Assert.Equal("PERMISSION_DENIED", await CreateAsync(acme.Editor, organization, user));
        Assert.Equal("PERMISSION_DENIED", await DeleteAsync(acme.Editor, joined.Id));
        Assert.Equal("NOT_FOUND", await CreateAsync(acme.Owner, organization, Ids.Format("usr", Ids.New())));
        Assert.Equal("INVALID_ARGUMENT", await CreateAsync(acme.Owner, organization, "usr_x"));
        Assert.Equal(
            "INVALID_ARGUMENT",
            await Calls.ReasonAsync(directory.Users.ListMembershipsAsync(new ListMembershipsRequest(), directory.As(acme.Owner)))
        );
        Assert.Equal(
            "INVALID_ARGUMENT",
            await Calls.ReasonAsync(
                directory.Users.UpdateMembershipAsync(
                    new UpdateMembershipRequest { MembershipId = joined.Id, Role = "emperor" },
                    directory.As(acme.Owner)
                )
            )
        );
    }

    private async Task<(TestWorkspace Workspace, string Organization, string User)> ArrangeAsync()
    {
        var acme = await directory.AddWorkspaceAsync();
        return (
            acme,
            (await directory.CreateOrganizationAsync(acme.Owner)).Id,
            (await directory.CreateUserAsync(acme.Owner, "ada@example.com")).Id
        );
    }

    private async Task<OrganizationMembership> JoinAsync(TestCaller caller, string organization, string user, string role) =>
        (
            await directory.Users.CreateMembershipAsync(
                new CreateMembershipRequest
                {
                    OrganizationId = organization,
                    UserId = user,
                    Role = role,
                },
                directory.As(caller)
            )
        ).Membership;

    private Task<string?> CreateAsync(TestCaller caller, string organization, string user) =>
        Calls.ReasonAsync(
            directory.Users.CreateMembershipAsync(
                new CreateMembershipRequest { OrganizationId = organization, UserId = user },
                directory.As(caller)
            )
        );

    private Task<string?> DeleteAsync(TestCaller caller, string membership) =>
        Calls.ReasonAsync(
            directory.Users.DeleteMembershipAsync(new DeleteMembershipRequest { MembershipId = membership }, directory.As(caller))
        );

    private async Task<IReadOnlyList<OrganizationMembership>> ListAsync(TestCaller caller, ListMembershipsRequest request) =>
        (await directory.Users.ListMembershipsAsync(request, directory.As(caller))).Memberships;

    private async Task<string?> InviteAsync(TestWorkspace acme, string organization, string email, string role)
    {
        var request = new CreateInvitationsRequest { OrganizationId = organization, Role = role };
        request.Invitations.Add(new InvitationRow { Email = email });
        await directory.Invitations.CreateInvitationsAsync(request, directory.As(acme.Owner));
        return null;
    }

    private async Task SetStateAsync(TestWorkspace acme, string membership, string state) =>
        await directory.Users.UpdateMembershipAsync(
            new UpdateMembershipRequest { MembershipId = membership, State = state },
            directory.As(acme.Owner)
        );

    private async Task<IEnumerable<string>> StatesAsync(TestWorkspace acme) =>
        (await directory.Invitations.ListInvitationsAsync(new ListInvitationsRequest(), directory.As(acme.Owner))).Invitations.Select(
            invitation => $"{invitation.Email} {invitation.State}"
        );
}
