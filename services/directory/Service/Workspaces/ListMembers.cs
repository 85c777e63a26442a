using System.Data;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Npgsql;
using Platform.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.Directory.Service.Values;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Directory.Service.Workspaces;

internal sealed partial class WorkspacesService
{
    // Roles are shown for the environments that the caller ($1) can reach.
    private const string FindMembers = """
        select m.id, m.email, m.display_name, m.created_at,
            array(select r.environment_id from directory.member_role r join directory.member_role mine using (environment_id)
                where r.member_id = m.id and mine.member_id = $1 order by r.environment_id) as environments,
            array(select r.role from directory.member_role r join directory.member_role mine using (environment_id)
                where r.member_id = m.id and mine.member_id = $1 order by r.environment_id) as roles
        from directory.member m
        where ($2::uuid is null or m.id > $2)
            and ($3 = '' or position(lower($3) in m.email) > 0 or position(lower($3) in lower(m.display_name)) > 0)
        order by m.id limit $4
        """;

    public override Task<ListMembersResponse> ListMembers(ListMembersRequest request, ServerCallContext context)
    {
        var after = Paging.Cursor("mbr", request.Cursor);
        var limit = request.HasLimit ? request.Limit : Page.DefaultLimit;
        var call = context.Call();
        return work.ReadAsync(
            call,
            Paging.Settings,
            async reader =>
            {
                var response = new ListMembersResponse();
                response.Page = await Paging.ReadAsync(reader, response.Members, limit, Read, member => member.Id);
                return response;
            },
            context.CancellationToken,
            new Statement(FindMembers, call.Caller.MemberId ?? Guid.Empty, after, request.Search.Trim(), limit + 1)
        );
    }

    private static WorkspaceMember Read(NpgsqlDataReader row)
    {
        var member = new WorkspaceMember
        {
            Id = Ids.Format("mbr", row.GetGuid("id")),
            Email = row.GetString("email"),
            DisplayName = row.GetString("display_name"),
            CreatedAt = Timestamp.FromDateTime(row.GetDateTime("created_at")),
        };
        member.Roles.AddRange(
            row.GetFieldValue<Guid[]>("environments")
                .Zip(row.GetFieldValue<string[]>("roles"), (environment, role) =>
                    new MemberRole { EnvironmentId = Ids.Format("env", environment), Role = role }
                )
        );
        return member;
    }
}
