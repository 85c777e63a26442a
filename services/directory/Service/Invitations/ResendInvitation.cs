using Grpc.Core;
using Platform.Contracts;
using Platform.Directory.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.Directory.Service.Mail;
using Platform.ServiceDefaults;
using Platform.ServiceDefaults.Calls;

namespace Platform.Directory.Service.Invitations;

internal sealed partial class InvitationsService
{
    public override Task<ResendInvitationResponse> ResendInvitation(ResendInvitationRequest request, ServerCallContext context)
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

            await MailQueue.AskAgainAsync(tx, id);
            invitation.Mail = "waiting";
            invitation.MailedAt = null;
            invitation.MailProblem = "";
            tx.Announce(
                new InvitationResent(tx.NewEventId(), tx.Call.WorkspaceId, tx.Now, invitation.Id, invitation.OrganizationId),
                new Target("invitation", invitation.Id),
                new Target("organization", invitation.OrganizationId)
            );
            return new ResendInvitationResponse { Invitation = invitation, MailNotice = mail.Value.Notice };
        });
    }
}
