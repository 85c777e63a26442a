using Microsoft.Extensions.Options;
using Platform.Directory.Contracts.V1;
using Platform.ServiceDefaults.State;

namespace Platform.Directory.Service;

/// <summary>The toolset of invitations, one file per rpc.</summary>
internal sealed partial class InvitationsService(UnitOfWork work, IOptions<MailOptions> mail, TimeProvider time)
    : Invitations.InvitationsBase;
