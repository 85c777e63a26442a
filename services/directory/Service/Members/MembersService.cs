using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Directory.Service.Members;

/// <summary>What identity asks before it knows a workspace, one file per rpc.</summary>
[ServicesOnly("identity")]
internal sealed partial class MembersService(UnitOfWork work) : Contracts.V1.Members.MembersBase
{
    // Sees people and workspaces, across workspaces, and can only read.
    private static readonly SessionSettings _resolver = new(Role: "directory_resolver");
}
