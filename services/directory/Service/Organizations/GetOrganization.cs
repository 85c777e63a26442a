using Grpc.Core;
using Platform.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.ServiceDefaults;
using Platform.ServiceDefaults.Calls;

namespace Platform.Directory.Service.Organizations;

internal sealed partial class OrganizationsService
{
    private const string FindById = $"select {OrganizationRow.Columns} from directory.organization o where o.id = $1";

    private const string FindByExternalId = $"select {OrganizationRow.Columns} from directory.organization o where o.external_id = $1";

    public override Task<GetOrganizationResponse> GetOrganization(GetOrganizationRequest request, ServerCallContext context)
    {
        if (request.OrganizationId.Length > 0 == request.ExternalId.Length > 0)
        {
            throw Problem.Invalid(
                "organizationId",
                "or externalId is needed, and not both",
                "Send exactly one of organizationId and externalId."
            );
        }

        var (sql, key, shown) =
            request.OrganizationId.Length > 0
                ? (FindById, (object)Ids.Parse("org", request.OrganizationId, "organizationId"), request.OrganizationId)
                : (FindByExternalId, request.ExternalId, $"with the external id {request.ExternalId}");
        return work.ReadAsync(context, sql, [key], async reader =>
            await reader.ReadAsync(context.CancellationToken)
                ? new GetOrganizationResponse { Organization = OrganizationRow.Read(reader) }
                : throw Problem.NotFound("organization", shown)
        );
    }
}
