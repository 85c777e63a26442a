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
    private const string FindUsers = $"""
        select {UserRow.Columns} from directory.directory_user u
        where ($1::uuid is null or u.id < $1)
            and ($2 = '' or position(lower($2) in u.email) > 0 or position(lower($2) in lower(u.first_name || ' ' || u.last_name)) > 0)
            and ($3 = '' or u.state = $3)
            and ($4::uuid is null or u.id in
                (select m.user_id from directory.membership m where m.organization_id = $4 and m.state = 'active'))
        order by u.id desc limit $5
        """;

    public override Task<ListUsersResponse> ListUsers(ListUsersRequest request, ServerCallContext context)
    {
        var after = Paging.Cursor("usr", request.Cursor);
        var limit = request.HasLimit ? request.Limit : Page.DefaultLimit;
        Guid? organization = request.OrganizationId.Length > 0 ? Ids.Parse("org", request.OrganizationId, "organizationId") : null;
        return work.ReadAsync(
            context.Call(),
            Paging.Settings,
            async reader =>
            {
                var response = new ListUsersResponse();
                response.Page = await Paging.ReadAsync(
                    reader,
                    response.Users,
                    limit,
                    row => UserRow.Read(row, withMetadata: false),
                    user => user.Id
                );
                return response;
            },
            context.CancellationToken,
            new Statement(FindUsers, after, request.Search.Trim(), request.State, organization, limit + 1)
        );
    }
}
