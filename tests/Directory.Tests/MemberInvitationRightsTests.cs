using System.Text.Json;
using Grpc.Core;
using Platform.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.ServiceDefaults.Calls;
using Platform.Testing;
using TaskChanges = Platform.Changes.Contracts.V1.Changes;

namespace Platform.Directory.Tests;

/// <summary>
/// Who may do what with invitations that give a role in production. The table names the caller's role in the sandbox and in production (a
/// dash: none), whether MCP may reach production, and what becomes of each act on an invitation to each environment.
/// </summary>
public sealed class MemberInvitationRightsTests(DirectoryFixture directory) : IClassFixture<DirectoryFixture>
{
    private const string Allowed = "allowed";
    private const string Denied = "PERMISSION_DENIED";
    private const string Closed = "PRODUCTION_NOT_ALLOWED";
    private const string Row = "refused in its row";

    // Inviting a viewer to the sandbox, to production, and to both; then resending, revoking, and undoing the invitation that another made.
    [Theory]
    [InlineData("editor", "editor", "open  ", Denied, Denied, Denied, Denied, Denied)]
    [InlineData("admin ", "-     ", "closed", Allowed, Row, Row, Allowed, Denied)]
    [InlineData("admin ", "-     ", "open  ", Allowed, Row, Row, Allowed, Denied)]
    [InlineData("admin ", "viewer", "closed", Allowed, Closed, Closed, Allowed, Closed)]
    [InlineData("admin ", "viewer", "open  ", Allowed, Denied, Denied, Allowed, Denied)]
    [InlineData("admin ", "admin ", "closed", Allowed, Closed, Closed, Allowed, Closed)]
    [InlineData("admin ", "admin ", "open  ", Allowed, Allowed, Allowed, Allowed, Allowed)]
    [InlineData("owner ", "owner ", "closed", Allowed, Closed, Closed, Allowed, Closed)]
    [InlineData("owner ", "owner ", "open  ", Allowed, Allowed, Allowed, Allowed, Allowed)]
    public async Task An_invitation_is_for_those_who_manage_people_wherever_it_gives_a_role(
        string inSandbox,
        string inProduction,
        string production,
        string toSandbox,
        string toProduction,
        string toBoth,
        string actOnSandbox,
        string actOnBoth
    )
    {
        var acme = await directory.AddWorkspaceAsync();
        var caller = await CallerAsync(acme, inSandbox.Trim(), inProduction.Trim(' ', '-'), production.Trim() == "open");
        Assert.Equal(toSandbox, await InviteAsync(caller, acme.Sandbox));
        Assert.Equal(toProduction, await InviteAsync(caller, acme.Production));
        Assert.Equal(toBoth, await InviteAsync(caller, acme.Sandbox, acme.Production));
        foreach (
            var (environments, expected) in new[] { (new[] { acme.Sandbox }, actOnSandbox), ([acme.Sandbox, acme.Production], actOnBoth) }
        )
        {
            var (answer, call) = await directory.InviteAsync(acme.Owner, Request(environments));
            var id = answer.Results[0].InvitationId;
            Assert.Equal(
                expected,
                await ActAsync(directory.MemberInvitations.ResendMemberInvitationAsync(new() { InvitationId = id }, directory.As(caller)))
            );
            Assert.Equal(expected, await UndoAsync(caller, call));
            Assert.Equal(
                expected,
                await ActAsync(directory.MemberInvitations.RevokeMemberInvitationAsync(new() { InvitationId = id }, directory.As(caller)))
            );
        }
    }

    [Theory]
    [InlineData(Roles.Viewer, false)]
    [InlineData(Roles.Editor, false)]
    [InlineData(Roles.Admin, true)]
    [InlineData(Roles.Owner, true)]
    public async Task A_role_that_manages_people_is_given_after_a_confirmation(string role, bool confirmed)
    {
        var acme = await directory.AddWorkspaceAsync();
        var request = Request(acme.Production);
        request.Invitations[0].Roles[0].Role = role;
        request.Invitations.Add(Request(acme.Sandbox).Invitations[0]);
        if (!confirmed)
        {
            Assert.Equal(2, (await directory.MemberInvitations.InviteMembersAsync(request, directory.As(acme.Owner))).Counts.Created);
            return;
        }

        var problem = await directory
            .MemberInvitations.InviteMembersAsync(request, directory.As(acme.Owner, idempotencyKey: "k"))
            .ProblemAsync();
        Assert.Equal("CONFIRMATION_REQUIRED", problem.Reason);
        Assert.Equal(0, await directory.CountAsync("directory.member_invitation where workspace_id = $1", acme.Id));
        using var preview = JsonDocument.Parse(problem.Confirmation.Preview.Utf8.ToStringUtf8());
        var given = Assert.Single(preview.RootElement.GetProperty("roles").EnumerateArray());
        Assert.Equal(
            (request.Invitations[0].Email, role, 1),
            (
                given.GetProperty("email").GetString(),
                given.GetProperty("roles")[0].GetProperty("role").GetString(),
                preview.RootElement.GetProperty("otherInvitations").GetInt32()
            )
        );

        // It is good for these people and roles, and once.
        var token = problem.Confirmation.Token;
        var other = request.Clone();
        other.Invitations[0].Email = "somebody-else@rights.example";
        Assert.Equal(
            "CONFIRMATION_INVALID",
            await Calls.ReasonAsync(directory.MemberInvitations.InviteMembersAsync(other, directory.As(acme.Owner, confirmation: token)))
        );
        var answer = await directory.MemberInvitations.InviteMembersAsync(
            request,
            directory.As(acme.Owner, idempotencyKey: "k", confirmation: token)
        );
        Assert.Equal(2, answer.Counts.Created);
    }

    [Fact]
    public async Task A_confirmation_does_not_outlive_what_it_showed()
    {
        var acme = await directory.AddWorkspaceAsync();
        var request = Request(acme.Sandbox);
        request.Invitations[0].Roles[0].Role = Roles.Admin;
        request.Invitations.Add(Request(acme.Sandbox).Invitations[0]);
        request.Invitations[1].Roles[0].Role = Roles.Admin;
        var problem = await directory.MemberInvitations.InviteMembersAsync(request, directory.As(acme.Owner)).ProblemAsync();
        await directory.AddMemberAsync(acme.Id, request.Invitations[0].Email, Roles.Viewer, acme.Sandbox);
        Assert.Equal(
            "CONFIRMATION_STALE",
            await Calls.ReasonAsync(
                directory.MemberInvitations.InviteMembersAsync(request, directory.As(acme.Owner, confirmation: problem.Confirmation.Token))
            )
        );
    }

    private async Task<TestCaller> CallerAsync(TestWorkspace acme, string inSandbox, string inProduction, bool isOpen)
    {
        var member = await directory.AddMemberAsync(acme.Id, $"{Guid.NewGuid():N}@rights.example", inSandbox, acme.Sandbox);
        if (inProduction.Length > 0)
        {
            await directory.ExecuteAsync(
                "insert into directory.member_role (workspace_id, member_id, environment_id, role) values ($1, $2, $3, $4)",
                acme.Id,
                member,
                acme.Production,
                inProduction
            );
        }

        return acme.Owner with
        {
            Member = member,
            Role = inSandbox,
            Others = [TestCaller.Other(acme.Production, "production", inProduction, isOpen)],
        };
    }

    private static InviteMembersRequest Request(params Guid[] environments) =>
        new()
        {
            Invitations =
            {
                new MemberInvitationRow
                {
                    Email = $"{Guid.NewGuid():N}@rights.example",
                    Roles =
                    {
                        environments.Select(environment => new AskedMemberRole
                        {
                            EnvironmentId = Ids.Format("env", environment),
                            Role = Roles.Viewer,
                        }),
                    },
                },
            },
        };

    private async Task<string> InviteAsync(TestCaller caller, params Guid[] environments)
    {
        try
        {
            var answer = await directory.MemberInvitations.InviteMembersAsync(Request(environments), directory.As(caller));
            return answer.Results[0].Outcome == InvitationOutcome.Created ? Allowed : Row;
        }
        catch (RpcException exception) when (Problem.Read(exception) is { } problem)
        {
            return problem.Reason;
        }
    }

    // A preview: what would be taken back, or why it is left alone. The switch shows as a missing permission here.
    private async Task<string> UndoAsync(TestCaller caller, string call)
    {
        var problem = default(ProblemDetail);
        try
        {
            var changes = new TaskChanges.ChangesClient(directory.Channel);
            var answer = await changes.UndoChangeAsync(new() { CallId = call }, directory.As(caller));
            return answer.Parts[0].Left.Count == 0 ? Allowed
                : caller.Others[0] is { IsOpen: false, Role.Length: > 0 } && answer.Parts[0].Left[0].Reason == Denied ? Closed
                : answer.Parts[0].Left[0].Reason;
        }
        catch (RpcException exception)
        {
            problem = Problem.Read(exception)!;
        }

        return problem.Reason == "CONFIRMATION_REQUIRED" ? Allowed : problem.Reason;
    }

    private static async Task<string> ActAsync<T>(AsyncUnaryCall<T> call) => await Calls.ReasonAsync(call) ?? Allowed;
}
