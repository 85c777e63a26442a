using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Platform.Contracts;
using Platform.Directory.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.ServiceDefaults;
using Platform.ServiceDefaults.Calls;

namespace Platform.Directory.Service.Users;

internal sealed partial class UsersService
{
    private const string ChangeMembership = "update directory.membership set role = $2, state = $3, updated_at = $4 where id = $1";

    public override Task<UpdateMembershipResponse> UpdateMembership(UpdateMembershipRequest request, ServerCallContext context)
    {
        var id = Ids.Parse("om", request.MembershipId, "membershipId");
        return work.WriteAsync(context, async tx =>
        {
            var membership = await MembershipRow.LockAsync(tx, id) ?? throw Problem.NotFound("membership", request.MembershipId);
            var changes = new List<FieldChange>();
            if (request.Role.Length > 0 && request.Role != membership.Role)
            {
                changes.Add(new FieldChange("role", membership.Role, request.Role));
                membership.Role = request.Role;
            }

            if (request.State.Length > 0 && request.State != membership.State)
            {
                changes.Add(new FieldChange("state", membership.State, request.State));
                membership.State = request.State;
            }

            if (changes.Count > 0 && membership.State == MembershipRow.Active)
            {
                await OpenInvitation.RevokeAsync(
                    tx,
                    Ids.Parse("org", membership.OrganizationId, "organizationId"),
                    Ids.Parse("usr", membership.UserId, "userId")
                );
            }

            if (changes.Count > 0)
            {
                membership.UpdatedAt = Timestamp.FromDateTimeOffset(tx.Now);
                await tx.ExecuteAsync(ChangeMembership, id, membership.Role, membership.State, tx.Now);
                tx.Announce(
                    new MembershipUpdated(
                        tx.NewEventId(),
                        tx.Call.WorkspaceId,
                        tx.Now,
                        membership.Id,
                        membership.OrganizationId,
                        membership.UserId,
                        changes
                    ),
                    MembershipRow.Targets(membership)
                );
            }

            return new UpdateMembershipResponse { Membership = membership };
        });
    }
}
