using Grpc.Core;
using Platform.Contracts;
using Platform.Directory.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.ServiceDefaults;

namespace Platform.Directory.Service.MemberInvitations;

internal sealed partial class MemberInvitationsService
{
    private const string Revoke = "update directory.member_invitation set revoked_at = $2, is_open = false where id = $1";

    public override Task<RevokeMemberInvitationResponse> RevokeMemberInvitation(
        RevokeMemberInvitationRequest request,
        ServerCallContext context
    )
    {
        var id = Ids.Parse("minv", request.InvitationId, "invitationId");
        return work.WriteAsync(context, async tx =>
        {
            var invitation = await MemberInvitationColumns.LockPendingAsync(tx, id);
            await tx.ExecuteAsync(Revoke, id, tx.Now);
            invitation.State = "revoked";
            tx.Announce(
                new MemberInvitationRevoked(tx.NewEventId(), tx.Call.WorkspaceId, tx.Now, invitation.Id),
                new Target("member_invitation", invitation.Id)
            );
            return new RevokeMemberInvitationResponse { Invitation = invitation };
        });
    }
}
