using Grpc.Core;
using Platform.Contracts;
using Platform.Directory.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.Directory.Service.Mail;
using Platform.ServiceDefaults;

namespace Platform.Directory.Service.MemberInvitations;

internal sealed partial class MemberInvitationsService
{
    public override Task<ResendMemberInvitationResponse> ResendMemberInvitation(
        ResendMemberInvitationRequest request,
        ServerCallContext context
    )
    {
        var id = Ids.Parse("minv", request.InvitationId, "invitationId");
        return work.WriteAsync(context, async tx =>
        {
            var invitation = await MemberInvitationColumns.LockPendingAsync(tx, id);
            await MailQueue.AskAgainAsync(tx, id);
            (invitation.Mail, invitation.MailProblem) = ("waiting", "");
            tx.Announce(
                new MemberInvitationResent(tx.NewEventId(), tx.Call.WorkspaceId, tx.Now, invitation.Id),
                new Target("member_invitation", invitation.Id)
            );
            return new ResendMemberInvitationResponse { Invitation = invitation, MailNotice = mail.Value.Notice };
        });
    }
}
