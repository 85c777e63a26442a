using Grpc.Core;
using Platform.Contracts;
using Platform.Directory.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.ServiceDefaults;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Directory.Service.Users;

internal sealed partial class UsersService
{
    private const string DefaultRole = "member";

    // As whoever invites people to it: a membership and an invitation of the same person cannot come about side by side.
    private const string LockOrganization = "select 1 from directory.organization where id = $1 for no key update";

    private const string ShareUser = "select 1 from directory.directory_user where id = $1 for key share";

    public override Task<CreateMembershipResponse> CreateMembership(CreateMembershipRequest request, ServerCallContext context)
    {
        var organization = Ids.Parse("org", request.OrganizationId, "organizationId");
        var user = Ids.Parse("usr", request.UserId, "userId");
        return work.WriteAsync(context, async tx =>
        {
            _ = await tx.ScalarAsync<object>(LockOrganization, organization)
                ?? throw Problem.NotFound("organization", request.OrganizationId);
            _ = await tx.ScalarAsync<object>(ShareUser, user) ?? throw Problem.NotFound("user", request.UserId);
            var role = request.Role.Length > 0 ? request.Role : DefaultRole;
            return await JoinAsync(tx, organization, user, role) is { } id
                ? new CreateMembershipResponse { Membership = await tx.QueryOneAsync(MembershipRow.FindById, MembershipRow.Read, id) }
                : throw Problem.Conflict(
                    Reasons.MembershipExists,
                    "The user is in the organization already.",
                    "Change it with update_membership; list_memberships with both ids finds it."
                );
        });
    }

    /// <summary>
    /// Makes the membership, or an inactive one active again with this role. Null when an active one is there, which stays as it is. An
    /// open invitation of the user ends. The caller holds locks of organization and user.
    /// </summary>
    public static async Task<Guid?> JoinAsync(WriteTransaction tx, Guid organization, Guid user, string role)
    {
        const string Join = """
            insert into directory.membership (id, organization_id, user_id, role, created_at, updated_at) values ($1, $2, $3, $4, $5, $5)
            on conflict (workspace_id, environment_id, organization_id, user_id) do update
                set state = 'active', role = excluded.role, updated_at = excluded.updated_at where membership.state = 'inactive'
            returning id
            """;
        // The invitation first, as where one is accepted.
        await OpenInvitation.RevokeAsync(tx, organization, user);
        var id = await tx.ScalarAsync<Guid>(Join, Ids.New(), organization, user, role, tx.Now);
        if (id == Guid.Empty)
        {
            return null;
        }

        var (om, org, usr) = (Ids.Format("om", id), Ids.Format("org", organization), Ids.Format("usr", user));
        tx.Announce(
            new MembershipCreated(tx.NewEventId(), tx.Call.WorkspaceId, tx.Now, om, org, usr, role),
            "membership.created",
            new Target("membership", om),
            new Target("organization", org),
            new Target("user", usr)
        );
        return id;
    }
}
