using Platform.Contracts;
using Platform.Directory.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.Testing;

namespace Platform.Directory.Tests;

public sealed class MembersTests(DirectoryFixture directory) : IClassFixture<DirectoryFixture>
{
    private static readonly TestCaller _identity = TestCaller.AsService("identity");

    [Fact]
    public async Task A_bound_account_is_found_in_every_workspace_with_the_environments_it_has_a_role_in()
    {
        var (acme, other) = (await directory.AddWorkspaceAsync(), await directory.AddWorkspaceAsync());
        var email = $"ada@{Ids.New():N}.example";
        var member = await directory.AddMemberAsync(acme.Id, email, Roles.Viewer, acme.Sandbox);
        await directory.AddMemberAsync(other.Id, email, Roles.Admin, other.Production, other.Sandbox);
        var subject = Ids.New().ToString();

        Assert.Empty((await ResolveAsync(new ResolveMemberRequest { Subject = subject })).Memberships);
        var bound = await directory.Members.BindSubjectAsync(
            new BindSubjectRequest { Subject = subject, VerifiedEmail = email.ToUpperInvariant() },
            directory.As(_identity)
        );

        var resolved = await ResolveAsync(new ResolveMemberRequest { Subject = subject });
        Assert.Equal(bound.Memberships, resolved.Memberships);
        Assert.True(bound.AsOf < resolved.AsOf);
        Assert.Equal(
            [Ids.Format("wks", acme.Id), Ids.Format("wks", other.Id)],
            bound.Memberships.Select(membership => membership.WorkspaceId)
        );
        Assert.Equal(
            [("sandbox", true, Roles.Viewer)],
            bound.Memberships[0].Environments.Select(environment => (environment.Kind, environment.IsDefault, environment.Role))
        );
        // The rest of the workspace is told apart: identity has to know what more there is.
        Assert.Equal(
            [("production", "")],
            bound.Memberships[0].OtherEnvironments.Select(environment => (environment.Kind, environment.Role))
        );
        Assert.Empty(bound.Memberships[1].OtherEnvironments);
        Assert.Equal(
            [("sandbox", true, Roles.Admin), ("production", false, Roles.Admin)],
            bound.Memberships[1].Environments.Select(environment => (environment.Kind, environment.IsDefault, environment.Role))
        );
        Assert.Single(
            (await ResolveAsync(new ResolveMemberRequest { Subject = subject, WorkspaceId = Ids.Format("wks", other.Id) })).Memberships
        );
        Assert.Equal(
            email,
            Assert.Single((await ResolveAsync(new ResolveMemberRequest { MemberId = Ids.Format("mbr", member) })).Memberships).Email
        );
        Assert.Equal(2, (await ResolveAsync(new ResolveMemberRequest { Email = email })).Memberships.Count);

        var announced = await directory.Events.WaitAsync(happened =>
            happened.WorkspaceId == acme.Id && happened.Type == nameof(MemberSubjectBound)
        );
        Assert.Equal(("member.bound", "service", "identity"), (announced.Action, announced.Actor.Kind, announced.Actor.Id));
    }

    [Fact]
    public async Task Eight_sign_ins_at_once_bind_one_account_once()
    {
        var acme = await directory.AddWorkspaceAsync();
        await directory.AddMemberAsync(acme.Id, $"rush@{acme.Id:N}.example", Roles.Viewer, acme.Sandbox);
        var answers = await Task.WhenAll(
            Enumerable
                .Range(0, 8)
                .Select(_ =>
                    directory
                        .Members.BindSubjectAsync(
                            new BindSubjectRequest { Subject = $"rush-{acme.Id}", VerifiedEmail = $"rush@{acme.Id:N}.example" },
                            directory.As(_identity)
                        )
                        .ResponseAsync
                )
        );
        Assert.Single(answers.SelectMany(answer => answer.Memberships).Distinct());
        Assert.All(answers, answer => Assert.Single(answer.Memberships));
        Assert.Equal(1, await directory.CountAsync("platform.outbox where workspace_id = $1", acme.Id));
    }

    [Fact]
    public async Task A_member_who_is_bound_is_not_taken_over_by_another_account_with_the_address()
    {
        var acme = await directory.AddWorkspaceAsync();
        var email = $"owner@{acme.Id:N}.example";
        await directory.Members.BindSubjectAsync(
            new BindSubjectRequest { Subject = $"first-{acme.Id}", VerifiedEmail = email },
            directory.As(_identity)
        );
        var second = await directory.Members.BindSubjectAsync(
            new BindSubjectRequest { Subject = $"second-{acme.Id}", VerifiedEmail = email },
            directory.As(_identity)
        );
        Assert.Empty(second.Memberships);
        Assert.Single((await ResolveAsync(new ResolveMemberRequest { Subject = $"first-{acme.Id}" })).Memberships);
    }

    [Fact]
    public async Task An_account_does_not_become_a_second_member_of_a_workspace()
    {
        var acme = await directory.AddWorkspaceAsync();
        var subject = $"one-{acme.Id}";
        await directory.Members.BindSubjectAsync(
            new BindSubjectRequest { Subject = subject, VerifiedEmail = $"owner@{acme.Id:N}.example" },
            directory.As(_identity)
        );
        await directory.AddMemberAsync(acme.Id, $"alias@{acme.Id:N}.example", Roles.Viewer, acme.Sandbox);
        var again = await directory.Members.BindSubjectAsync(
            new BindSubjectRequest { Subject = subject, VerifiedEmail = $"alias@{acme.Id:N}.example" },
            directory.As(_identity)
        );
        Assert.Equal($"owner@{acme.Id:N}.example", Assert.Single(again.Memberships).Email);
    }

    [Fact]
    public async Task Nobody_but_identity_may_ask()
    {
        var acme = await directory.AddWorkspaceAsync();
        foreach (var caller in new[] { acme.Owner, TestCaller.AsService("data") })
        {
            Assert.Equal(
                "PERMISSION_DENIED",
                await Calls.ReasonAsync(
                    directory.Members.ResolveMemberAsync(new ResolveMemberRequest { Subject = "x" }, directory.As(caller))
                )
            );
            Assert.Equal(
                "PERMISSION_DENIED",
                await Calls.ReasonAsync(
                    directory.Members.BindSubjectAsync(
                        new BindSubjectRequest { Subject = "x", VerifiedEmail = "x@example.com" },
                        directory.As(caller)
                    )
                )
            );
        }
    }

    [Fact]
    public async Task Requests_that_name_nobody_are_refused()
    {
        Assert.Equal(
            "INVALID_ARGUMENT",
            await Calls.ReasonAsync(directory.Members.ResolveMemberAsync(new ResolveMemberRequest(), directory.As(_identity)))
        );
        Assert.Equal(
            "INVALID_ARGUMENT",
            await Calls.ReasonAsync(
                directory.Members.ResolveMemberAsync(new ResolveMemberRequest { MemberId = "mbr_x" }, directory.As(_identity))
            )
        );
        Assert.Equal(
            "INVALID_ARGUMENT",
            await Calls.ReasonAsync(directory.Members.BindSubjectAsync(new BindSubjectRequest { Subject = "x" }, directory.As(_identity)))
        );
    }

    private async Task<ResolveMemberResponse> ResolveAsync(ResolveMemberRequest request) =>
        await directory.Members.ResolveMemberAsync(request, directory.As(_identity));
}
