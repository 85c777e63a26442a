using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Platform.Contracts;
using Platform.Directory.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.Directory.Service.Values;

namespace Platform.Directory.Service.Organizations;

internal sealed partial class OrganizationsService
{
    private const string InsertOrganization = """
        insert into directory.organization (id, name, external_id, metadata, created_at, updated_at) values ($1, $2, $3, $4::jsonb, $5, $5)
        """;

    public override Task<CreateOrganizationResponse> CreateOrganization(CreateOrganizationRequest request, ServerCallContext context)
    {
        var name = OrganizationRules.Name(request.Name);
        var externalId = OrganizationRules.ExternalId(request.ExternalId);
        var domains = OrganizationRules.Domains(request.Domains, "domains");
        var metadata = KeptMetadata.Serialize(KeptMetadata.Parse(request.Metadata, allowRemoval: false));
        return work.WriteAsync(context, async tx =>
        {
            var id = Ids.New();
            await tx.ExecuteAsync(InsertOrganization, id, name, externalId, metadata, tx.Now);
            await OrganizationRules.AddDomainsAsync(tx, id, domains);

            var organization = new Organization
            {
                Id = Ids.Format("org", id),
                Name = name,
                ExternalId = externalId ?? "",
                Domains = { domains.Select(domain => new OrganizationDomain { Domain = domain, State = "pending" }) },
                Metadata = KeptMetadata.ToJson(metadata),
                Version = 1,
                CreatedAt = Timestamp.FromDateTimeOffset(tx.Now),
                UpdatedAt = Timestamp.FromDateTimeOffset(tx.Now),
            };
            tx.Announce(
                new OrganizationCreated(tx.NewEventId(), tx.Call.WorkspaceId, tx.Now, organization.Id, name, externalId, domains),
                new Target("organization", organization.Id)
            );
            return new CreateOrganizationResponse { Organization = organization };
        });
    }
}
