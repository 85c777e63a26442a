using Platform.ServiceDefaults.State;

namespace Platform.Directory.Service.Users;

/// <summary>The toolset of users and their memberships, one file per rpc.</summary>
internal sealed partial class UsersService(UnitOfWork work) : Contracts.V1.Users.UsersBase;
