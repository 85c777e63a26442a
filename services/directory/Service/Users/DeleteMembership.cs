using Grpc.Core;
using Platform.Contracts;
using Platform.Directory.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.ServiceDefaults;
using Platform.ServiceDefaults.Calls;

namespace Platform.Directory.Service.Users;

internal sealed partial class UsersService
{
    private const string RemoveMembership = "delete from directory.membership where id = $1";

    public override Task<DeleteMembershipResponse> DeleteMembership(DeleteMembershipRequest request, ServerCallContext context)
    {
        var id = Ids.Parse("om", request.MembershipId, "membershipId");
        return work.WriteAsync(context, async tx =>
        {
            var membership = await MembershipRow.LockAsync(tx, id) ?? throw Problem.NotFound("membership", request.MembershipId);
            await tx.ExecuteAsync(RemoveMembership, id);
            tx.Announce(
                new MembershipDeleted(
                    tx.NewEventId(),
                    tx.Call.WorkspaceId,
                    tx.Now,
                    membership.Id,
                    membership.OrganizationId,
                    membership.UserId,
                    membership.Role,
                    membership.State
                ),
                MembershipRow.Targets(membership)
            );
            return new DeleteMembershipResponse { Membership = membership };
        });
    }
}
