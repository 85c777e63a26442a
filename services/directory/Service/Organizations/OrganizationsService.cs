using Platform.Directory.Contracts.V1;
using Platform.ServiceDefaults.State;

namespace Platform.Directory.Service;

/// <summary>The toolset of organizations, one file per rpc.</summary>
internal sealed partial class OrganizationsService(UnitOfWork work) : Organizations.OrganizationsBase;
