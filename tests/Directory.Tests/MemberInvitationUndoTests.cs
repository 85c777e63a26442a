using Platform.Changes.Contracts;
using Platform.Changes.Contracts.V1;
using Platform.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.ServiceDefaults.Calls;
using Platform.Testing;
using TaskChanges = Platform.Changes.Contracts.V1.Changes;

namespace Platform.Directory.Tests;

public sealed class MemberInvitationUndoTests(MailFixture directory) : IClassFixture<MailFixture>
{
    private TaskChanges.ChangesClient Undo => new(directory.Channel);

    [Fact]
    public async Task A_pending_one_is_revoked_and_it_is_said_before_and_after_that_its_mail_stays_sent()
    {
        var owner = (await directory.AddWorkspaceAsync()).Owner;
        var task = (await Undo.BeginTaskAsync(new() { Goal = "Invite the team" }, directory.As(owner))).TaskId;
        var (id, call) = await InviteAsync(owner, "undone@undo.example", task: task);
        var token = (await directory.WaitForMailAsync("undone@undo.example"))[0].Token;

        var sum = Assert.Single((await Undo.SummarizeTaskAsync(new() { TaskId = task }, directory.As(owner))).Parts.Single().Changes);
        Assert.Equal(("member_invitation", 1, "", id), (sum.Kind, sum.Created, sum.CannotBeUndone, Assert.Single(sum.Ids)));
        var preview = await Undo.UndoTaskAsync(new() { TaskId = task }, directory.As(owner)).ProblemAsync();
        Assert.Contains("cannot be called back", preview.Confirmation.Preview.Utf8.ToStringUtf8(), StringComparison.Ordinal);
        Assert.Equal("pending", await StateAsync(owner, id));

        var (part, undo) = await UndoAsync(owner, task: task);
        var undone = Assert.Single(part.Undone);
        Assert.Equal(("member_invitation", "revoked", id), (undone.Kind, undone.How, Assert.Single(undone.Ids)));
        Assert.Contains("cannot be called back", undone.Note, StringComparison.Ordinal);
        Assert.Equal("revoked", await StateAsync(owner, id));
        Assert.Equal(OfferState.Revoked, await directory.AcceptAsync(token));
        var announced = await directory.Events.WaitAsync(happened =>
            happened.WorkspaceId == owner.Workspace && happened.Type == nameof(ChangesUndone)
        );
        Assert.Equal("task.undone", announced.Action);
        Assert.Equal(1, (await Undo.UndoTaskAsync(new() { TaskId = task }, directory.As(owner))).Parts.Single().UndoneBefore);

        // The undo of the undo opens it again, and so does the undo of a revocation.
        Assert.Equal("reverted", Assert.Single((await UndoAsync(owner, call: undo)).Part.Undone).How);
        var revoke = directory.As(owner);
        await directory.MemberInvitations.RevokeMemberInvitationAsync(new() { InvitationId = id }, revoke);
        await UndoAsync(owner, call: revoke.Headers!.GetValue(CallMetadata.CallId)!);
        Assert.Equal("pending", await StateAsync(owner, id));
        Assert.Equal(OfferState.Joined, await directory.AcceptAsync(token));

        var left = Assert.Single((await Undo.UndoChangeAsync(new() { CallId = call }, directory.As(owner))).Parts.Single().Left);
        Assert.Equal(("CHANGED_SINCE", id), (left.Reason, left.Id));
        Assert.Equal(1, await directory.CountAsync("directory.member where email = 'undone@undo.example'"));
    }

    [Fact]
    public async Task An_invitation_belongs_to_the_task_of_whichever_environment_and_is_undone_there()
    {
        var acme = await directory.AddWorkspaceAsync();
        var task = (await Undo.BeginTaskAsync(new() { Goal = "Invite from production" }, directory.As(acme.InProduction))).TaskId;
        var (id, call) = await InviteAsync(acme.Owner, "elsewhere@undo.example", task: task);

        var sum = Assert.Single(
            (await Undo.SummarizeTaskAsync(new() { TaskId = task }, directory.As(acme.InProduction))).Parts.Single().Changes
        );
        Assert.Equal(("member_invitation", 1, id), (sum.Kind, sum.Created, Assert.Single(sum.Ids)));
        var notHere = await Undo.UndoChangeAsync(new() { CallId = call }, directory.As(acme.Owner)).ProblemAsync();
        Assert.EndsWith("NOT_FOUND", notHere.Reason, StringComparison.Ordinal);
        Assert.Equal(id, Assert.Single(Assert.Single((await UndoAsync(acme.InProduction, task: task)).Part.Undone).Ids));
        Assert.Equal("revoked", await StateAsync(acme.Owner, id));
    }

    [Fact]
    public async Task A_task_of_another_environment_is_refused_with_the_argument_to_name_and_one_of_another_member_is_unknown_everywhere()
    {
        var acme = await directory.AddWorkspaceAsync();
        var task = (await Undo.BeginTaskAsync(new() { Goal = "In production" }, directory.As(acme.InProduction))).TaskId;
        var elsewhere = await directory
            .Organizations.CreateOrganizationAsync(new() { Name = "A" }, directory.As(acme.Owner, task: task))
            .ProblemAsync();
        Assert.Equal("TASK_NOT_FOUND", elsewhere.Reason);
        Assert.Contains("`environment`", elsewhere.Fix, StringComparison.Ordinal);
        foreach (var stranger in new[] { acme.Owner with { Member = Ids.New() }, (await directory.AddWorkspaceAsync()).Owner })
        {
            var request = new InviteMembersRequest { Invitations = { new MemberInvitationRow { Email = "never@undo.example" } } };
            var problem = await directory.MemberInvitations.InviteMembersAsync(request, directory.As(stranger, task: task)).ProblemAsync();
            Assert.Equal(
                ("TASK_NOT_FOUND", "You have not begun a task with this id. Nothing was changed."),
                (problem.Reason, problem.Message)
            );
        }

        Assert.Equal(0, await directory.CountAsync("directory.member_invitation where email = 'never@undo.example'"));
    }

    [Fact]
    public async Task Nobody_opens_an_invitation_again_whose_roles_they_may_not_give()
    {
        var acme = await directory.AddWorkspaceAsync();
        var admin = acme.Owner with
        {
            Member = await directory.AddMemberAsync(acme.Id, "admin@undo.example", Roles.Admin, acme.Sandbox),
            Role = Roles.Admin,
        };
        var (id, _) = await InviteAsync(acme.Owner, "second-owner@undo.example", Roles.Owner);
        var revoke = directory.As(acme.Owner);
        await directory.MemberInvitations.RevokeMemberInvitationAsync(new() { InvitationId = id }, revoke);
        var call = revoke.Headers!.GetValue(CallMetadata.CallId)!;
        var left = Assert.Single((await Undo.UndoChangeAsync(new() { CallId = call }, directory.As(admin))).Parts.Single().Left);
        Assert.Equal("PERMISSION_DENIED", left.Reason);
        Assert.Equal("revoked", await StateAsync(acme.Owner, id));
        await UndoAsync(acme.Owner, call: call);
        Assert.Equal("pending", await StateAsync(acme.Owner, id));
    }

    [Fact]
    public async Task It_takes_the_right_to_manage_people_and_the_same_workspace()
    {
        var acme = await directory.AddWorkspaceAsync();
        var (id, call) = await InviteAsync(acme.Owner, "kept@undo.example");
        var left = Assert.Single((await Undo.UndoChangeAsync(new() { CallId = call }, directory.As(acme.Editor))).Parts.Single().Left);
        Assert.Equal("PERMISSION_DENIED", left.Reason);
        var elsewhere = await directory.AddWorkspaceAsync();
        Assert.Equal(
            "CHANGE_NOT_FOUND",
            await Calls.ReasonAsync(Undo.UndoChangeAsync(new() { CallId = call }, directory.As(elsewhere.Owner)))
        );
        Assert.Equal("pending", await StateAsync(acme.Owner, id));
    }

    [Fact]
    public async Task Whose_address_was_invited_again_stays_revoked()
    {
        var owner = (await directory.AddWorkspaceAsync()).Owner;
        var (id, _) = await InviteAsync(owner, "twice@undo.example");
        var revoke = directory.As(owner);
        await directory.MemberInvitations.RevokeMemberInvitationAsync(new() { InvitationId = id }, revoke);
        await InviteAsync(owner, "twice@undo.example");
        var left = Assert.Single(
            (await Undo.UndoChangeAsync(new() { CallId = revoke.Headers!.GetValue(CallMetadata.CallId)! }, directory.As(owner)))
                .Parts.Single()
                .Left
        );
        Assert.Equal("VALUE_TAKEN", left.Reason);
    }

    private async Task<(string Id, string Call)> InviteAsync(TestCaller caller, string email, string role = "", string? task = null)
    {
        var request = new InviteMembersRequest { Role = role, Invitations = { new MemberInvitationRow { Email = email } } };
        var (answer, call) = await directory.InviteAsync(caller, request, task);
        return (answer.Results[0].InvitationId, call);
    }

    private async Task<(UndoPart Part, string CallId)> UndoAsync(TestCaller caller, string? task = null, string? call = null)
    {
        var preview = task is not null
            ? await Undo.UndoTaskAsync(new() { TaskId = task }, directory.As(caller)).ProblemAsync()
            : await Undo.UndoChangeAsync(new() { CallId = call! }, directory.As(caller)).ProblemAsync();
        var options = directory.As(caller, confirmation: preview.Confirmation.Token);
        var part = task is not null
            ? (await Undo.UndoTaskAsync(new() { TaskId = task }, options)).Parts.Single()
            : (await Undo.UndoChangeAsync(new() { CallId = call! }, options)).Parts.Single();
        return (part, options.Headers!.GetValue(CallMetadata.CallId)!);
    }

    private async Task<string> StateAsync(TestCaller caller, string id) =>
        (await directory.MemberInvitations.ListMemberInvitationsAsync(new(), directory.As(caller)))
            .Invitations.Single(invitation => invitation.Id == id)
            .State;
}
