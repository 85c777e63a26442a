using Grpc.Core;
using Platform.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.Directory.Service.Values;
using Platform.ServiceDefaults;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Directory.Service.Users;

internal sealed partial class UsersService
{
    private const string FindMemberships = $"""
        {MembershipRow.Select}
        where ($1::uuid is null or m.id < $1)
            and ($2::uuid is null or m.organization_id = $2)
            and ($3::uuid is null or m.user_id = $3)
            and ($4 = '' or m.state = $4)
        order by m.id desc limit $5
        """;

    public override Task<ListMembershipsResponse> ListMemberships(ListMembershipsRequest request, ServerCallContext context)
    {
        if (request.OrganizationId.Length + request.UserId.Length == 0)
        {
            throw Problem.Invalid("organizationId", "or userId is needed", "Send one of them, or both.");
        }

        var after = Paging.Cursor("om", request.Cursor);
        var limit = request.HasLimit ? request.Limit : Page.DefaultLimit;
        Guid? organization = request.OrganizationId.Length > 0 ? Ids.Parse("org", request.OrganizationId, "organizationId") : null;
        Guid? user = request.UserId.Length > 0 ? Ids.Parse("usr", request.UserId, "userId") : null;
        return work.ReadAsync(
            context.Call(),
            Paging.Settings,
            async reader =>
            {
                var response = new ListMembershipsResponse();
                response.Page = await Paging.ReadAsync(
                    reader,
                    response.Memberships,
                    limit,
                    row => MembershipRow.Read(row),
                    membership => membership.Id
                );
                return response;
            },
            context.CancellationToken,
            new Statement(FindMemberships, after, organization, user, request.State, limit + 1)
        );
    }
}
