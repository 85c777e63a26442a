using Grpc.Core;
using Platform.Directory.Contracts.V1;
using Platform.Directory.Service.Values;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Directory.Service.Organizations;

internal sealed partial class OrganizationsService
{
    private const string FindPage = $"""
        select {OrganizationRow.Columns} from directory.organization o
        where ($1::uuid is null or o.id < $1)
            and ($2 = '' or position(lower($2) in lower(o.name)) > 0)
            and ($3 = '' or o.id = any(array(select f.organization_id from directory.organization_domain f where f.domain = $3)))
        order by o.id desc limit $4
        """;

    public override Task<ListOrganizationsResponse> ListOrganizations(ListOrganizationsRequest request, ServerCallContext context)
    {
        var after = Paging.Cursor("org", request.Cursor);
        var limit = request.HasLimit ? request.Limit : Page.DefaultLimit;
        var domain = "";
        if (request.Domain.Length > 0 && !DomainName.TryNormalize(request.Domain, out domain, out var rule))
        {
            throw Problem.Invalid("domain", rule, DomainName.Fix);
        }

        return work.ReadAsync(
            context.Call(),
            Paging.Settings,
            async reader =>
            {
                var response = new ListOrganizationsResponse();
                response.Page = await Paging.ReadAsync(
                    reader,
                    response.Organizations,
                    limit,
                    row => OrganizationRow.Read(row, withMetadata: false),
                    organization => organization.Id
                );
                return response;
            },
            context.CancellationToken,
            new Statement(FindPage, after, request.Search.Trim(), domain, limit + 1)
        );
    }
}
