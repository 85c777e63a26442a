using Platform.Contracts;
using Platform.Directory.Contracts.V1;

namespace Platform.Directory.Tests;

public sealed class WorkspaceTests(DirectoryFixture directory) : IClassFixture<DirectoryFixture>
{
    [Fact]
    public async Task The_owner_sees_both_environments_the_default_one_first()
    {
        var acme = await directory.AddWorkspaceAsync();
        var environments = (
            await directory.Workspaces.ListEnvironmentsAsync(new ListEnvironmentsRequest(), directory.As(acme.Owner))
        ).Environments;
        Assert.Equal(
            [("sandbox", true, "owner"), ("production", false, "owner")],
            environments.Select(environment => (environment.Kind, environment.IsDefault, environment.Role))
        );
        var workspace = await directory.Workspaces.GetWorkspaceAsync(new GetWorkspaceRequest(), directory.As(acme.Owner));
        Assert.Equal((Ids.Format("wks", acme.Id), "Acme"), (workspace.Id, workspace.Name));
        Assert.Equal(environments, workspace.Environments);
    }

    [Fact]
    public async Task An_environment_without_a_role_does_not_exist_for_the_member()
    {
        var acme = await directory.AddWorkspaceAsync();
        var member = await directory.AddMemberAsync(acme.Id, "viewer@example.com", Roles.Viewer, acme.Sandbox);
        var caller = acme.Viewer with { Member = member };
        Assert.Equal(
            "sandbox",
            Assert
                .Single(
                    (await directory.Workspaces.ListEnvironmentsAsync(new ListEnvironmentsRequest(), directory.As(caller))).Environments
                )
                .Kind
        );
        Assert.Single((await directory.Workspaces.GetWorkspaceAsync(new GetWorkspaceRequest(), directory.As(caller))).Environments);

        var owner = (
            await directory.Workspaces.ListMembersAsync(new ListMembersRequest { Search = "OWNER" }, directory.As(caller))
        ).Members[0];
        Assert.Equal(Ids.Format("env", acme.Sandbox), Assert.Single(owner.Roles).EnvironmentId);
    }

    [Fact]
    public async Task Members_are_found_by_name_or_address_page_by_page()
    {
        var acme = await directory.AddWorkspaceAsync();
        await directory.AddMemberAsync(acme.Id, "ed@example.com", Roles.Editor, acme.Sandbox);
        await directory.AddMemberAsync(acme.Id, "vi@example.com", Roles.Viewer, acme.Sandbox);
        var first = await directory.Workspaces.ListMembersAsync(new ListMembersRequest { Limit = 2 }, directory.As(acme.Owner));
        var second = await directory.Workspaces.ListMembersAsync(
            new ListMembersRequest { Limit = 2, Cursor = first.Page.NextCursor },
            directory.As(acme.Owner)
        );
        Assert.Equal(
            (true, false, 3),
            (first.Page.HasMore, second.Page.HasMore, first.Members.Concat(second.Members).DistinctBy(member => member.Id).Count())
        );
        Assert.Equal(
            "ed@example.com",
            Assert
                .Single(
                    (
                        await directory.Workspaces.ListMembersAsync(
                            new ListMembersRequest { Search = "member EDIT" },
                            directory.As(acme.Owner)
                        )
                    ).Members
                )
                .Email
        );
    }

    [Fact]
    public async Task Another_workspace_shows_its_own_and_without_the_permission_nothing_is_shown()
    {
        var (acme, other) = (await directory.AddWorkspaceAsync(), await directory.AddWorkspaceAsync());
        var member = Assert.Single(
            (await directory.Workspaces.ListMembersAsync(new ListMembersRequest(), directory.As(other.Owner))).Members
        );
        Assert.Equal(Ids.Format("mbr", other.Owner.Member!.Value), member.Id);
        Assert.Empty(
            (
                await directory.Workspaces.ListEnvironmentsAsync(
                    new ListEnvironmentsRequest(),
                    directory.As(acme.Owner with { Workspace = other.Id })
                )
            ).Environments
        );

        var nobody = acme.Owner with { Permissions = ["directory:read"] };
        Assert.Equal(
            "PERMISSION_DENIED",
            await Calls.ReasonAsync(directory.Workspaces.GetWorkspaceAsync(new GetWorkspaceRequest(), directory.As(nobody)))
        );
        Assert.Equal(
            "PERMISSION_DENIED",
            await Calls.ReasonAsync(directory.Workspaces.ListEnvironmentsAsync(new ListEnvironmentsRequest(), directory.As(nobody)))
        );
        Assert.Equal(
            "PERMISSION_DENIED",
            await Calls.ReasonAsync(directory.Workspaces.ListMembersAsync(new ListMembersRequest(), directory.As(nobody)))
        );
        Assert.Equal(
            "INVALID_ARGUMENT",
            await Calls.ReasonAsync(
                directory.Workspaces.ListMembersAsync(new ListMembersRequest { Cursor = "?" }, directory.As(acme.Owner))
            )
        );
    }
}
