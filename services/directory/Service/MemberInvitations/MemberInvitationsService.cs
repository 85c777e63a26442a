using Microsoft.Extensions.Options;
using Platform.Directory.Contracts.V1;
using Platform.ServiceDefaults.State;

namespace Platform.Directory.Service;

/// <summary>The toolset of invitations to the workspace, one file per rpc.</summary>
internal sealed partial class MemberInvitationsService(UnitOfWork work, IOptions<MailOptions> mail, TimeProvider time)
    : MemberInvitations.MemberInvitationsBase;
