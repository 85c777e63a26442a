using System.Data;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Npgsql;
using Platform.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.Directory.Service.Values;
using Platform.ServiceDefaults;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Directory.Service.Members;

internal sealed partial class MembersService
{
    private const string Now = "select now() as present";

    private const string FindMemberships = """
        select w.workspace_id, w.name as workspace_name, m.id as member_id, m.email, m.display_name, m.subject,
            e.id as environment_id, e.name as environment_name, e.kind, e.is_default, r.role
        from directory.member m
            join directory.workspace w on w.workspace_id = m.workspace_id
            left join directory.environment e on e.workspace_id = m.workspace_id
            left join directory.member_role r on r.workspace_id = m.workspace_id and r.member_id = m.id and r.environment_id = e.id
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
                await reader.ReadAsync(context.CancellationToken);
                var response = new ResolveMemberResponse { AsOf = reader.GetFieldValue<DateTimeOffset>("present").ToTimestamp() };
                await reader.NextResultAsync(context.CancellationToken);
                while (await reader.ReadAsync(context.CancellationToken))
                {
                    Add(response, reader);
                }

                return response;
            },
            context.CancellationToken,
            new Statement(Now),
            new Statement(sql, who, workspace)
        );

    // Rows of one member follow each other.
    private static void Add(ResolveMemberResponse response, NpgsqlDataReader row)
    {
        var id = Ids.Format("mbr", row.GetGuid("member_id"));
        if (response.Memberships.LastOrDefault() is not { } membership || membership.MemberId != id)
        {
            membership = new Membership
            {
                WorkspaceId = Ids.Format("wks", row.GetGuid("workspace_id")),
                WorkspaceName = row.GetString("workspace_name"),
                MemberId = id,
                Email = row.GetString("email"),
                DisplayName = row.GetString("display_name"),
                Subject = row.IsDBNull("subject") ? "" : row.GetString("subject"),
            };
            response.Memberships.Add(membership);
        }

        if (!row.IsDBNull("environment_id"))
        {
            var role = row.IsDBNull("role") ? "" : row.GetString("role");
            (role.Length > 0 ? membership.Environments : membership.OtherEnvironments).Add(
                new MemberEnvironment
                {
                    EnvironmentId = Ids.Format("env", row.GetGuid("environment_id")),
                    Name = row.GetString("environment_name"),
                    Kind = row.GetString("kind"),
                    IsDefault = row.GetBoolean("is_default"),
                    Role = role,
                }
            );
        }
    }

    private static string Where(string condition) => FindMemberships.Replace("{0}", condition, StringComparison.Ordinal);
}
