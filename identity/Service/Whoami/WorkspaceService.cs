using Platform.Identity.Service.Callers;
using Platform.ServiceDefaults.State;

namespace Platform.Identity.Service.Whoami;

/// <summary>The toolset <c>workspace</c>, as far as it is identity's. One file per rpc.</summary>
internal sealed partial class WorkspaceService(UnitOfWork work, MemberDirectory directory) : Contracts.V1.Workspace.WorkspaceBase;
