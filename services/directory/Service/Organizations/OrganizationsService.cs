using Platform.ServiceDefaults.State;

namespace Platform.Directory.Service.Organizations;

/// <summary>The toolset of organizations, one file per rpc.</summary>
internal sealed partial class OrganizationsService(UnitOfWork work) : Contracts.V1.Organizations.OrganizationsBase;
