using Microsoft.Extensions.Options;
using Platform.Directory.Service.Mail;
using Platform.ServiceDefaults.State;

namespace Platform.Directory.Service.Invitations;

/// <summary>The toolset of invitations, one file per rpc.</summary>
internal sealed partial class InvitationsService(UnitOfWork work, IOptions<MailOptions> mail, TimeProvider time)
    : Contracts.V1.Invitations.InvitationsBase;
