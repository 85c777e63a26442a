using Grpc.Core;
using Npgsql;
using Platform.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.ServiceDefaults;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Directory.Service;

internal sealed partial class MembersService
{
    private const string FindMemberships = """
        select w.workspace_id, w.name, m.id, m.email, m.display_name, e.id, e.name, e.kind, e.is_default, r.role, m.subject
        from directory.member m
            join directory.workspace w on w.workspace_id = m.workspace_id
            left join directory.member_role r on r.workspace_id = m.workspace_id and r.member_id = m.id
            left join directory.environment e on e.workspace_id = r.workspace_id and e.id = r.environment_id
        where {0} and ($2::uuid is null or m.workspace_id = $2)
        order by w.workspace_id, m.id, e.is_default desc, e.id
        """;

    private static readonly string _findBySubject = Where("m.subject = $1");
    private static readonly string _findById = Where("m.id = $1");
    private static readonly string _findByEmail = Where("m.email = $1");

    public override Task<ResolveMemberResponse> ResolveMember(ResolveMemberRequest request, ServerCallContext context)
    {
        Guid? workspace = request.WorkspaceId.Length > 0 ? Ids.Parse("wks", request.WorkspaceId, "workspaceId") : null;
        return request.WhoCase switch
        {
            ResolveMemberRequest.WhoOneofCase.Subject => ResolveAsync(_findBySubject, request.Subject, workspace, context),
            ResolveMemberRequest.WhoOneofCase.MemberId => ResolveAsync(
                _findById,
                Ids.Parse("mbr", request.MemberId, "memberId"),
                workspace,
                context
            ),
            ResolveMemberRequest.WhoOneofCase.Email => ResolveAsync(
                _findByEmail,
                EmailAddress.NormalizeOrLower(request.Email),
                workspace,
                context
            ),
            _ => throw Problem.Invalid("subject", "is missing, as are memberId and email", "Send one of the three."),
        };
    }

    private Task<ResolveMemberResponse> ResolveAsync(string sql, object who, Guid? workspace, ServerCallContext context) =>
        work.ReadAsync(
            context.Call(),
            _resolver,
            async reader =>
            {
                var response = new ResolveMemberResponse();
                while (await reader.ReadAsync(context.CancellationToken))
                {
                    Add(response, reader);
                }

                return response;
            },
            context.CancellationToken,
            new Statement(sql, who, workspace)
        );

    // Rows of one member follow each other.
    private static void Add(ResolveMemberResponse response, NpgsqlDataReader row)
    {
        var id = Ids.Format("mbr", row.GetGuid(2));
        if (response.Memberships.LastOrDefault() is not { } membership || membership.MemberId != id)
        {
            membership = new Membership
            {
                WorkspaceId = Ids.Format("wks", row.GetGuid(0)),
                WorkspaceName = row.GetString(1),
                MemberId = id,
                Email = row.GetString(3),
                DisplayName = row.GetString(4),
                Subject = row.IsDBNull(10) ? "" : row.GetString(10),
            };
            response.Memberships.Add(membership);
        }

        if (!row.IsDBNull(5))
        {
            membership.Environments.Add(
                new MemberEnvironment
                {
                    EnvironmentId = Ids.Format("env", row.GetGuid(5)),
                    Name = row.GetString(6),
                    Kind = row.GetString(7),
                    IsDefault = row.GetBoolean(8),
                    Role = row.GetString(9),
                }
            );
        }
    }

    private static string Where(string condition) => FindMemberships.Replace("{0}", condition, StringComparison.Ordinal);
}
