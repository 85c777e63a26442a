using Platform.Contracts;
using Platform.Directory.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.Testing;

namespace Platform.Directory.Tests;

public sealed class MemberInvitationsTests(MailFixture directory) : IClassFixture<MailFixture>
{
    [Fact]
    public async Task Accepting_makes_a_member_of_the_sandbox_whom_a_sign_in_with_the_verified_address_becomes()
    {
        var acme = await directory.AddWorkspaceAsync();
        var invited = await InviteAsync(acme.Owner, "new@member.example");
        Assert.Equal(InvitationOutcome.Created, invited.Outcome);
        var mail = Assert.Single(await directory.WaitForMailAsync("new@member.example"));
        Assert.Contains("invites you to join Acme", mail.Text, StringComparison.Ordinal);

        var bind = new BindSubjectRequest { Subject = $"subject-{acme.Id}", VerifiedEmail = "new@member.example" };
        Assert.Empty((await directory.Members.BindSubjectAsync(bind, directory.As(TestCaller.AsService("identity")))).Memberships);
        Ids.TryParse("minv", invited.InvitationId, out var id);
        var states = await directory.RaceAsync("select from directory.member_invitation where id = $1 for update", id, 8, _ =>
            directory.AcceptAsync(mail.Token)
        );
        Assert.Equal((1, 7), (states.Count(state => state == OfferState.Joined), states.Count(state => state == OfferState.Accepted)));

        var membership = Assert.Single(
            (await directory.Members.BindSubjectAsync(bind, directory.As(TestCaller.AsService("identity")))).Memberships
        );
        Assert.Equal([("sandbox", Roles.Viewer)], membership.Environments.Select(environment => (environment.Kind, environment.Role)));
        var announced = await directory.Events.WaitAsync(happened =>
            happened.WorkspaceId == acme.Id && happened.Type == nameof(MemberInvitationAccepted)
        );
        Assert.Equal(membership.MemberId, announced.Read<MemberInvitationAccepted>().MemberId);
        Assert.Equal(InvitationOutcome.AlreadyMember, (await InviteAsync(acme.Owner, "new@member.example")).Outcome);
    }

    [Theory]
    [InlineData(Roles.Owner, Roles.Owner, true)]
    [InlineData(Roles.Admin, Roles.Owner, false)]
    [InlineData(Roles.Admin, Roles.Admin, true)]
    [InlineData(Roles.Editor, Roles.Viewer, false)]
    public async Task Nobody_gives_more_than_they_have(string own, string given, bool allowed)
    {
        var acme = await directory.AddWorkspaceAsync();
        var member = await directory.AddMemberAsync(acme.Id, "inviter@member.example", own, acme.Sandbox);
        // The assertion may say more than the member has by now: what counts is the member.
        var result = await InviteAsync(acme.Owner with { Member = member }, $"{own}-{given}@member.example", (acme.Sandbox, given));
        Assert.Equal(allowed ? InvitationOutcome.Created : InvitationOutcome.Invalid, result.Outcome);
        Assert.Equal(allowed ? "" : "roles", result.Problem.Split(':')[0]);
    }

    [Fact]
    public async Task An_environment_without_a_role_of_ones_own_does_not_exist()
    {
        var acme = await directory.AddWorkspaceAsync();
        var member = await directory.AddMemberAsync(acme.Id, "sandbox@member.example", Roles.Owner, acme.Sandbox);
        var refused = await InviteAsync(acme.Owner with { Member = member }, "far@member.example", (acme.Production, Roles.Viewer));
        Assert.Contains("there is no environment", refused.Problem, StringComparison.Ordinal);
        var both = await InviteAsync(acme.Owner, "near@member.example", (acme.Production, Roles.Viewer), (acme.Sandbox, Roles.Admin));
        Assert.Equal(InvitationOutcome.Created, both.Outcome);
        Assert.Equal(2, Assert.Single(await ListAsync(acme.Owner)).Roles.Count);
        Assert.Equal(Roles.Admin, Assert.Single(Assert.Single(await ListAsync(acme.Owner with { Member = member })).Roles).Role);
    }

    [Fact]
    public async Task An_invitation_gives_nothing_that_its_inviter_may_give_no_more()
    {
        var acme = await directory.AddWorkspaceAsync();
        var member = await directory.AddMemberAsync(acme.Id, "fallen@member.example", Roles.Admin, acme.Sandbox);
        await InviteAsync(acme.Owner with { Member = member }, "late@member.example", (acme.Sandbox, Roles.Admin));
        var mail = Assert.Single(await directory.WaitForMailAsync("late@member.example"));
        await directory.ExecuteAsync("update directory.member_role set role = 'editor' where member_id = $1", member);
        Assert.Equal(OfferState.Revoked, await directory.AcceptAsync(mail.Token));
        Assert.Equal(0, await directory.CountAsync("directory.member where email = 'late@member.example'"));
    }

    [Fact]
    public async Task A_row_that_asks_for_another_role_is_told_which_one_stands_and_how_to_change_it()
    {
        var acme = await directory.AddWorkspaceAsync();
        var first = await InviteAsync(acme.Owner, "ada@member.example", (acme.Sandbox, Roles.Admin));
        Assert.Equal("", first.Note);
        Assert.Equal("", (await InviteAsync(acme.Owner, "ada@member.example", (acme.Sandbox, Roles.Admin))).Note);
        var sandbox = Ids.Format("env", acme.Sandbox);
        var other = await InviteAsync(acme.Owner, "ada@member.example");
        Assert.Equal((InvitationOutcome.AlreadyInvited, first.InvitationId), (other.Outcome, other.InvitationId));
        Assert.Equal(
            $"The pending invitation stands as it is, with the role admin in {sandbox}. "
                + $"To change that, revoke it with revoke_member_invitation, and invite again.",
            other.Note
        );

        await directory.AddMemberAsync(acme.Id, "bob@member.example", Roles.Viewer, acme.Sandbox);
        var member = await InviteAsync(acme.Owner, "bob@member.example", (acme.Sandbox, Roles.Editor));
        Assert.Equal(InvitationOutcome.AlreadyMember, member.Outcome);
        Assert.Equal($"The member keeps the role viewer in {sandbox}. An invitation does not change the roles of a member.", member.Note);
        Assert.Equal("", (await InviteAsync(acme.Owner, "bob@member.example")).Note);
    }

    [Fact]
    public async Task A_role_in_an_environment_that_the_caller_does_not_reach_is_not_told()
    {
        var acme = await directory.AddWorkspaceAsync();
        await InviteAsync(acme.Owner, "far@member.example", (acme.Sandbox, Roles.Viewer), (acme.Production, Roles.Viewer));
        var member = await directory.AddMemberAsync(acme.Id, "near@member.example", Roles.Admin, acme.Sandbox);
        var near = acme.Owner with { Member = member };
        Assert.Equal("", (await InviteAsync(near, "far@member.example", (acme.Sandbox, Roles.Viewer))).Note);
        var note = (await InviteAsync(near, "far@member.example", (acme.Sandbox, Roles.Editor))).Note;
        Assert.Contains(Ids.Format("env", acme.Sandbox), note, StringComparison.Ordinal);
        Assert.DoesNotContain(Ids.Format("env", acme.Production), note, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Eight_at_once_and_a_repeat_invite_once()
    {
        var acme = await directory.AddWorkspaceAsync();
        var results = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => InviteAsync(acme.Owner, "crowd@member.example")));
        Assert.Equal(
            (1, 7),
            (
                results.Count(result => result.Outcome == InvitationOutcome.Created),
                results.Count(result => result.Outcome == InvitationOutcome.AlreadyInvited)
            )
        );
        var request = new InviteMembersRequest { Invitations = { new MemberInvitationRow { Email = "key@member.example" } } };
        var first = await directory.MemberInvitations.InviteMembersAsync(request, directory.As(acme.Owner, idempotencyKey: "k"));
        Assert.Equal(first, await directory.MemberInvitations.InviteMembersAsync(request, directory.As(acme.Owner, idempotencyKey: "k")));
    }

    [Fact]
    public async Task Rows_that_break_a_rule_are_told_and_the_others_go_ahead()
    {
        var acme = await directory.AddWorkspaceAsync();
        var request = new InviteMembersRequest();
        request.Invitations.Add(new MemberInvitationRow { Email = "nobody" });
        request.Invitations.Add(Row("a@member.example", (acme.Sandbox, "emperor")));
        request.Invitations.Add(Row("a@member.example", (acme.Sandbox, Roles.Viewer), (acme.Sandbox, Roles.Admin)));
        request.Invitations.Add(new MemberInvitationRow { Email = "fine@member.example" });
        var answer = await directory.MemberInvitations.InviteMembersAsync(request, directory.As(acme.Owner));
        Assert.Equal(new InvitationCounts { Created = 1, Invalid = 3 }, answer.Counts);
        Assert.Equal(["email", "roles", "roles"], answer.Results.Take(3).Select(result => result.Problem.Split(':')[0]));
        Assert.Equal(
            "INVALID_ARGUMENT",
            await Calls.ReasonAsync(directory.MemberInvitations.InviteMembersAsync(new InviteMembersRequest(), directory.As(acme.Owner)))
        );
    }

    [Fact]
    public async Task A_pending_one_is_resent_and_revoked_once_and_not_from_elsewhere()
    {
        var acme = await directory.AddWorkspaceAsync();
        var invitation = (await InviteAsync(acme.Owner, "back@member.example")).InvitationId;
        var other = (await directory.AddWorkspaceAsync()).Owner;
        Assert.Empty(await ListAsync(other));
        Assert.Equal("NOT_FOUND", await RevokeAsync(other, invitation));
        Assert.Equal("NOT_FOUND", await ResendAsync(other, invitation));
        Assert.Equal("PERMISSION_DENIED", await RevokeAsync(acme.Editor, invitation));
        Assert.Equal("PERMISSION_DENIED", await ResendAsync(acme.Editor, invitation));
        Assert.Equal("INVALID_ARGUMENT", await RevokeAsync(acme.Owner, "inv_x"));
        await directory.WaitForMailAsync("back@member.example");
        Assert.Null(await ResendAsync(acme.Owner, invitation));
        var mails = await directory.WaitForMailAsync("back@member.example", 2);
        var reasons = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => RevokeAsync(acme.Owner, invitation)));
        Assert.Equal((1, 7), (reasons.Count(reason => reason is null), reasons.Count(reason => reason == "INVITATION_REVOKED")));
        Assert.Equal("INVITATION_REVOKED", await ResendAsync(acme.Owner, invitation));
        Assert.Equal(OfferState.Revoked, await directory.AcceptAsync(mails[1].Token));
    }

    private static MemberInvitationRow Row(string email, params (Guid Environment, string Role)[] roles) =>
        new()
        {
            Email = email,
            Roles = { roles.Select(role => new AskedMemberRole { EnvironmentId = Ids.Format("env", role.Environment), Role = role.Role }) },
        };

    private async Task<InvitationResult> InviteAsync(TestCaller caller, string email, params (Guid Environment, string Role)[] roles) =>
        (await directory.InviteAsync(caller, new InviteMembersRequest { Invitations = { Row(email, roles) } })).Answer.Results[0];

    private async Task<IReadOnlyList<MemberInvitation>> ListAsync(TestCaller caller) =>
        (
            await directory.MemberInvitations.ListMemberInvitationsAsync(
                new ListMemberInvitationsRequest { State = "pending" },
                directory.As(caller)
            )
        ).Invitations;

    private Task<string?> RevokeAsync(TestCaller caller, string invitation) =>
        Calls.ReasonAsync(
            directory.MemberInvitations.RevokeMemberInvitationAsync(
                new RevokeMemberInvitationRequest { InvitationId = invitation },
                directory.As(caller)
            )
        );

    private Task<string?> ResendAsync(TestCaller caller, string invitation) =>
        Calls.ReasonAsync(
            directory.MemberInvitations.ResendMemberInvitationAsync(
                new ResendMemberInvitationRequest { InvitationId = invitation },
                directory.As(caller)
            )
        );
}
