using Npgsql;
using Platform.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.ServiceDefaults.State;

namespace Platform.Directory.Service;

/// <summary>The directory's part of the toolset of the workspace, one file per rpc.</summary>
internal sealed partial class WorkspacesService(UnitOfWork work) : Workspaces.WorkspacesBase
{
    // An environment in which the caller has no role does not exist for them. $1 is the caller.
    private const string FindReachable = """
        select e.id, e.name, e.kind, e.is_default, r.role from directory.environment e
            join directory.member_role r on r.environment_id = e.id and r.member_id = $1
        order by e.is_default desc, e.id
        """;

    private static WorkspaceEnvironment ReadEnvironment(NpgsqlDataReader row) =>
        new()
        {
            Id = Ids.Format("env", row.GetGuid(0)),
            Name = row.GetString(1),
            Kind = row.GetString(2),
            IsDefault = row.GetBoolean(3),
            Role = row.GetString(4),
        };
}
