using Microsoft.Extensions.Options;
using Platform.Directory.Service.Mail;
using Platform.ServiceDefaults.State;

namespace Platform.Directory.Service.MemberInvitations;

/// <summary>The toolset of invitations to the workspace, one file per rpc.</summary>
internal sealed partial class MemberInvitationsService(UnitOfWork work, IOptions<MailOptions> mail, TimeProvider time)
    : Contracts.V1.MemberInvitations.MemberInvitationsBase;
