using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Platform.Contracts;
using Platform.Directory.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.ServiceDefaults;
using Platform.ServiceDefaults.Calls;

namespace Platform.Directory.Service.Invitations;

internal sealed partial class InvitationsService
{
    // The organization first, as everywhere: its deletion counts what revocations change.
    private const string LockItsOrganization = """
        select 1 from directory.organization where id = (select organization_id from directory.invitation where id = $1) for key share
        """;

    private const string LockInvitation = $"select {InvitationColumns.All} from directory.invitation i where i.id = $2 for update";

    private const string Revoke = "update directory.invitation set revoked_at = $2, is_open = false where id = $1";

    public override Task<RevokeInvitationResponse> RevokeInvitation(RevokeInvitationRequest request, ServerCallContext context)
    {
        var id = Ids.Parse("inv", request.InvitationId, "invitationId");
        return work.WriteAsync(context, async tx =>
        {
            await tx.ExecuteAsync(LockItsOrganization, id);
            var invitation = await tx.QueryOneAsync(LockInvitation, InvitationColumns.Read, tx.Now, id)
                ?? throw Problem.NotFound("invitation", request.InvitationId);
            if (invitation.State != "pending")
            {
                throw NotPending(invitation);
            }

            await tx.ExecuteAsync(Revoke, id, tx.Now);
            invitation.State = "revoked";
            invitation.RevokedAt = Timestamp.FromDateTimeOffset(tx.Now);
            tx.Announce(
                new InvitationRevoked(tx.NewEventId(), tx.Call.WorkspaceId, tx.Now, invitation.Id, invitation.OrganizationId),
                new Target("invitation", invitation.Id),
                new Target("organization", invitation.OrganizationId)
            );
            return new RevokeInvitationResponse { Invitation = invitation };
        });
    }

    private static RpcException NotPending(Invitation invitation) =>
        invitation.State switch
        {
            "accepted" => Problem.Conflict(
                Reasons.InvitationAccepted,
                "The invitation was accepted already.",
                "End the membership instead."
            ),
            "expired" => Problem.Conflict(
                Reasons.InvitationExpired,
                "The invitation has expired, so nobody can accept it.",
                "Nothing is left to do."
            ),
            _ => Problem.Conflict(Reasons.InvitationRevoked, "The invitation was revoked already.", "Nothing is left to do."),
        };
}
