using System.Data;
using Npgsql;
using Platform.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.ServiceDefaults.State;

namespace Platform.Directory.Service.Workspaces;

/// <summary>The directory's part of the toolset of the workspace, one file per rpc.</summary>
internal sealed partial class WorkspacesService(UnitOfWork work) : Contracts.V1.Workspaces.WorkspacesBase
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
            Id = Ids.Format("env", row.GetGuid("id")),
            Name = row.GetString("name"),
            Kind = row.GetString("kind"),
            IsDefault = row.GetBoolean("is_default"),
            Role = row.GetString("role"),
        };
}
