using Platform.Directory.Contracts.V1;
using Platform.ServiceDefaults.State;

namespace Platform.Directory.Service;

/// <summary>The toolset of users and their memberships, one file per rpc.</summary>
internal sealed partial class UsersService(UnitOfWork work) : Users.UsersBase;
