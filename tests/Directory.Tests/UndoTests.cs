using Grpc.Core;
using Platform.Changes.Contracts;
using Platform.Changes.Contracts.V1;
using Platform.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.ServiceDefaults.Calls;
using Platform.Testing;
using TaskChanges = Platform.Changes.Contracts.V1.Changes;

namespace Platform.Directory.Tests;

public sealed class UndoTests(DirectoryFixture directory) : IClassFixture<DirectoryFixture>
{
    private TaskChanges.ChangesClient Undo => new(directory.Channel);

    [Fact]
    public async Task A_task_is_summed_up_and_taken_back_row_by_row()
    {
        var workspace = await directory.AddWorkspaceAsync();
        var owner = workspace.Owner;
        var kept = await directory.CreateOrganizationAsync(owner, "Kept", "kept.example");
        var doomed = await directory.CreateOrganizationAsync(owner, "Doomed", "doomed.example", "second.example");
        var user = await directory.CreateUserAsync(owner, "ada@example.com");
        var membership = (
            await directory.Users.CreateMembershipAsync(new() { OrganizationId = doomed.Id, UserId = user.Id }, directory.As(owner))
        ).Membership;
        await InviteAsync(owner, doomed.Id, null, "old@example.com");
        var before = await DumpAsync(workspace);

        var task = await BeginAsync(owner);
        await directory.Organizations.CreateOrganizationAsync(
            new() { Name = "New", Domains = { "new.example" } },
            directory.As(owner, task: task)
        );
        await directory.Organizations.UpdateOrganizationAsync(
            new()
            {
                OrganizationId = kept.Id,
                Name = "Renamed",
                AddDomains = { "more.example" },
                RemoveDomains = { "kept.example" },
            },
            directory.As(owner, task: task)
        );
        await directory.Users.UpdateUserAsync(new() { UserId = user.Id, Email = "ada@example.org" }, directory.As(owner, task: task));
        await directory.Users.UpdateMembershipAsync(
            new() { MembershipId = membership.Id, Role = "admin" },
            directory.As(owner, task: task)
        );
        await DeleteAsync(owner, doomed.Id, task);

        var sum = (await Undo.SummarizeTaskAsync(new() { TaskId = task }, directory.As(owner)))
            .Parts.Single()
            .Changes.ToDictionary(change => change.Kind);
        Assert.Equal((1, 1, 1), (sum["organization"].Created, sum["organization"].Updated, sum["organization"].Deleted));
        Assert.Equal((1, 1, 1), (sum["user"].Updated, sum["membership"].Deleted, sum["invitation"].Deleted));

        var (part, callId) = await UndoAsync(owner, task);
        Assert.Equal(before, await DumpAsync(workspace));
        Assert.Equal(0, part.LeftCount);
        Assert.Equal(
            [
                "invitation restored 1",
                "membership restored 1",
                "organization removed 1",
                "organization restored 1",
                "organization reverted 1",
                "user reverted 1",
            ],
            part.Undone.Select(undone => $"{undone.Kind} {undone.How} {undone.Count}").Order(StringComparer.Ordinal)
        );
        Assert.Equal(
            3,
            (await directory.Organizations.GetOrganizationAsync(new() { OrganizationId = kept.Id }, directory.As(owner)))
                .Organization
                .Version
        );
        Assert.Equal(
            2,
            (await directory.Organizations.GetOrganizationAsync(new() { OrganizationId = doomed.Id }, directory.As(owner)))
                .Organization
                .Version
        );
        var announced = await directory.Events.WaitAsync(happened =>
            happened.WorkspaceId == workspace.Id && happened.Type == nameof(ChangesUndone)
        );
        Assert.Equal("task.undone", announced.Action);
        Assert.Empty((await Undo.UndoTaskAsync(new() { TaskId = task }, directory.As(owner))).Parts.Single().Undone);
        var invitation = Assert.Single((await directory.Invitations.ListInvitationsAsync(new(), directory.As(owner))).Invitations);
        Assert.Contains("resend_invitation", part.Undone.Single(undone => undone.Kind == "invitation").Note, StringComparison.Ordinal);
        var resent = directory.As(owner);
        await directory.Invitations.ResendInvitationAsync(new() { InvitationId = invitation.Id }, resent);
        var mailed = await Undo.UndoChangeAsync(new() { CallId = resent.Headers!.GetValue(CallMetadata.CallId) }, directory.As(owner));
        Assert.Equal("CANNOT_BE_UNDONE", Assert.Single(mailed.Parts.Single().Left).Reason);

        // The undo is a call like any other.
        var request = new UndoChangeRequest { CallId = callId };
        var preview = await Undo.UndoChangeAsync(request, directory.As(owner)).ProblemAsync();
        await Undo.UndoChangeAsync(request, directory.As(owner, confirmation: preview.Confirmation.Token));
        Assert.Equal(
            "NOT_FOUND",
            await Calls.ReasonAsync(directory.Organizations.GetOrganizationAsync(new() { OrganizationId = doomed.Id }, directory.As(owner)))
        );
        await UndoAsync(owner, task);
        Assert.Equal(before, await DumpAsync(workspace));
    }

    [Fact]
    public async Task Invitations_are_revoked_and_it_is_said_that_a_message_stays_sent()
    {
        var workspace = await directory.AddWorkspaceAsync();
        var organization = await directory.CreateOrganizationAsync(workspace.Owner);
        var task = await BeginAsync(workspace.Owner);
        await InviteAsync(workspace.Owner, organization.Id, task, "a@example.com", "b@example.com");
        var preview = await Undo.UndoTaskAsync(new() { TaskId = task }, directory.As(workspace.Owner)).ProblemAsync();
        Assert.Contains("cannot be called back", preview.Confirmation.Preview.Utf8.ToStringUtf8(), StringComparison.Ordinal);
        var undone = Assert.Single((await UndoAsync(workspace.Owner, task)).Part.Undone);
        Assert.Equal(("revoked", 2), (undone.How, undone.Count));
        Assert.Contains("cannot be called back", undone.Note, StringComparison.Ordinal);
        Assert.Equal(
            ["revoked", "revoked"],
            (await directory.Invitations.ListInvitationsAsync(new(), directory.As(workspace.Owner))).Invitations.Select(one => one.State)
        );
        Assert.Equal(2, (await Undo.UndoTaskAsync(new() { TaskId = task }, directory.As(workspace.Owner))).Parts.Single().UndoneBefore);
    }

    [Fact]
    public async Task What_others_changed_or_use_since_and_what_is_taken_by_now_is_left_alone()
    {
        var workspace = await directory.AddWorkspaceAsync();
        var (owner, other) = (workspace.Owner, workspace.Owner with { Member = Ids.New() });
        var taken = (
            await directory.Organizations.CreateOrganizationAsync(new() { Name = "Taken", ExternalId = "x-1" }, directory.As(owner))
        ).Organization;
        var task = await BeginAsync(owner);
        async Task<Organization> New(string name) =>
            (await directory.Organizations.CreateOrganizationAsync(new() { Name = name }, directory.As(owner, task: task))).Organization;
        var (changed, used, free) = (await New("Changed"), await New("Used"), await New("Free"));
        await DeleteAsync(owner, taken.Id, task);

        var rename = directory.As(other);
        await directory.Organizations.UpdateOrganizationAsync(new() { OrganizationId = changed.Id, Name = "Mine" }, rename);
        await InviteAsync(other, used.Id, null, "someone@example.com");
        await directory.Organizations.CreateOrganizationAsync(new() { Name = "Taker", ExternalId = "x-1" }, directory.As(other));

        var part = (await UndoAsync(owner, task)).Part;
        Assert.Equal([free.Id], Assert.Single(part.Undone).Ids);
        var left = part.Left.ToDictionary(one => one.Id);
        Assert.Equal(3, left.Count);
        Assert.Equal(
            ("CHANGED_SINCE", Ids.Format("mbr", other.Member!.Value), rename.Headers!.GetValue(CallMetadata.CallId)),
            (left[changed.Id].Reason, left[changed.Id].ChangedBy, left[changed.Id].CallId)
        );
        Assert.Equal(("CHANGED_SINCE", "VALUE_TAKEN"), (left[used.Id].Reason, left[taken.Id].Reason));
        Assert.Single((await directory.Invitations.ListInvitationsAsync(new(), directory.As(owner))).Invitations);
    }

    [Fact]
    public async Task Only_those_with_the_permissions_of_the_change_and_only_in_its_environment_take_it_back()
    {
        var workspace = await directory.AddWorkspaceAsync();
        var task = await BeginAsync(workspace.Owner);
        Assert.Equal(
            "TASK_NOT_FOUND",
            await Calls.ReasonAsync(
                directory.Organizations.CreateOrganizationAsync(
                    new() { Name = "A" },
                    directory.As(workspace.Owner with { Member = Ids.New() }, task: task)
                )
            )
        );
        await directory.Organizations.CreateOrganizationAsync(new() { Name = "A" }, directory.As(workspace.Owner, task: task));
        var left = Assert.Single((await Undo.UndoTaskAsync(new() { TaskId = task }, directory.As(workspace.Editor))).Parts.Single().Left);
        Assert.Equal("PERMISSION_DENIED", left.Reason);
        Assert.Equal(
            "PERMISSION_DENIED",
            await Calls.ReasonAsync(Undo.UndoTaskAsync(new() { TaskId = task }, directory.As(workspace.Viewer)))
        );
        Assert.Equal(
            "TASK_NOT_FOUND",
            await Calls.ReasonAsync(Undo.UndoTaskAsync(new() { TaskId = task }, directory.As(workspace.InProduction)))
        );
        var elsewhere = await directory.AddWorkspaceAsync();
        Assert.Equal("TASK_NOT_FOUND", await Calls.ReasonAsync(Undo.UndoTaskAsync(new() { TaskId = task }, directory.As(elsewhere.Owner))));
    }

    [Fact]
    public async Task Of_eight_at_once_one_takes_it_back()
    {
        var workspace = await directory.AddWorkspaceAsync();
        var task = await BeginAsync(workspace.Owner);
        await directory.Organizations.CreateOrganizationAsync(new() { Name = "A" }, directory.As(workspace.Owner, task: task));
        var request = new UndoTaskRequest { TaskId = task };
        var preview = await Undo.UndoTaskAsync(request, directory.As(workspace.Owner)).ProblemAsync();
        var done = await Task.WhenAll(
            Enumerable
                .Range(0, 8)
                .Select(async _ =>
                {
                    try
                    {
                        return (await Undo.UndoTaskAsync(request, directory.As(workspace.Owner, confirmation: preview.Confirmation.Token)))
                            .Parts.Single()
                            .Undone.Count;
                    }
                    catch (RpcException)
                    {
                        return 0;
                    }
                })
        );
        Assert.Equal(1, done.Sum());
    }

    private async Task<string> BeginAsync(TestCaller caller) =>
        (await Undo.BeginTaskAsync(new() { Goal = "Tidy up" }, directory.As(caller))).TaskId;

    private async Task<(UndoPart Part, string CallId)> UndoAsync(TestCaller caller, string task)
    {
        var request = new UndoTaskRequest { TaskId = task };
        var preview = await Undo.UndoTaskAsync(request, directory.As(caller)).ProblemAsync();
        Assert.Equal("CONFIRMATION_REQUIRED", preview.Reason);
        var call = directory.As(caller, confirmation: preview.Confirmation.Token);
        return ((await Undo.UndoTaskAsync(request, call)).Parts.Single(), call.Headers!.GetValue(CallMetadata.CallId)!);
    }

    private async Task InviteAsync(TestCaller caller, string organization, string? task, params string[] emails) =>
        await directory.Invitations.CreateInvitationsAsync(
            new() { OrganizationId = organization, Invitations = { emails.Select(email => new InvitationRow { Email = email }) } },
            directory.As(caller, task: task)
        );

    private async Task DeleteAsync(TestCaller caller, string organization, string? task)
    {
        var request = new DeleteOrganizationRequest { OrganizationId = organization };
        var preview = await directory.Organizations.DeleteOrganizationAsync(request, directory.As(caller, task: task)).ProblemAsync();
        await directory.Organizations.DeleteOrganizationAsync(
            request,
            directory.As(caller, confirmation: preview.Confirmation.Token, task: task)
        );
    }

    /// <summary>Every row of every table that calls can change; only versions, which count changes, are left out.</summary>
    private async Task<string> DumpAsync(TestWorkspace workspace)
    {
        var rows = new List<string>();
        foreach (var table in new[] { "organization", "organization_domain", "directory_user", "membership", "invitation" })
        {
            await using var command = directory.Admin.CreateCommand(
                $"select (to_jsonb(t) - 'version')::text from directory.{table} t where workspace_id = $1 order by 1"
            );
            command.Parameters.Add(new Npgsql.NpgsqlParameter { Value = workspace.Id });
            await using var reader = await command.ExecuteReaderAsync();
            while (await reader.ReadAsync())
            {
                rows.Add($"{table} {reader.GetString(0)}");
            }
        }

        return string.Join('\n', rows);
    }
}
