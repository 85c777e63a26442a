using Google.Protobuf.WellKnownTypes;
using Platform.Contracts;
using Platform.Identity.Contracts;
using Platform.Identity.Contracts.V1;
using Platform.Identity.Service.Callers;
using Platform.Identity.Service.Workspaces;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Identity.Service.Governance;

/// <summary>
/// The MCP switches of a workspace. Members see them; who changes one has to manage every environment for which it holds.
/// </summary>
internal static class McpSettingsApi
{
    private const string Put = """
        insert into identity.mcp_settings (enabled, production_access, write_access, strict_audit, changed_at, changed_by)
        values ($1, $2, $3, $4, $5, $6)
        on conflict (workspace_id) do update
            set enabled = $1, production_access = $2, write_access = $3, strict_audit = $4, changed_at = $5, changed_by = $6
        """;

    // Two admins who change at once would each compare with what the other overwrites.
    private const string Lock = "select pg_advisory_xact_lock(hashtextextended('identity.mcp_settings ' || platform.workspace_id(), 0))";

    internal sealed record Settings(bool? Enabled, bool? ProductionAccess, bool? WriteAccess, bool? StrictAudit);

    public static async Task<IResult> GetAsync(HttpContext http, UnitOfWork work)
    {
        var switches = await work.ReadAsync(
            http.Caller().ToCall(),
            SessionSettings.Default,
            async reader => await reader.ReadAsync(http.RequestAborted) ? McpSettings.Read(reader) : McpSettings.Default,
            http.RequestAborted,
            McpSettings.Find
        );
        return Results.Json(Describe(switches), GovernanceApi.Json);
    }

    /// <summary>Changes what the body names and leaves the rest.</summary>
    public static async Task<IResult> PutAsync(HttpContext http, UnitOfWork work)
    {
        var caller = http.Caller();
        var request = await http.ReadAsync<Settings>();
        if (!caller.IsAdminSomewhere)
        {
            throw Problem.PermissionDenied(Scopes.WorkspaceWrite);
        }

        var result = McpSettings.Default;
        await work.WriteAsync(
            caller.ToCall(),
            async tx =>
            {
                await tx.ExecuteAsync(Lock);
                var before = await tx.QueryOneAsync(McpSettings.Find.Sql, row => McpSettings.Read(row)) ?? McpSettings.Default;
                result = new Switches
                {
                    Enabled = request.Enabled ?? before.Enabled,
                    ProductionAccess = request.ProductionAccess ?? before.ProductionAccess,
                    WriteAccess = request.WriteAccess ?? before.WriteAccess,
                    StrictAudit = request.StrictAudit ?? before.StrictAudit,
                };
                if (result.Equals(before))
                {
                    return new Empty();
                }

                Authorize(caller.Reach, before, result);
                await tx.ExecuteAsync(
                    Put,
                    result.Enabled,
                    result.ProductionAccess,
                    result.WriteAccess,
                    result.StrictAudit,
                    tx.Now.UtcDateTime,
                    caller.MemberId
                );
                tx.Announce(
                    new McpSettingsChanged(
                        tx.NewEventId(),
                        caller.WorkspaceId,
                        tx.Now,
                        result.Enabled,
                        result.ProductionAccess,
                        result.WriteAccess,
                        result.StrictAudit
                    ),
                    "mcp_settings.changed",
                    new Target("workspace", caller.Membership.WorkspaceId)
                );
                return new Empty();
            },
            SessionSettings.Default,
            http.RequestAborted
        );
        return Results.Json(Describe(result), GovernanceApi.Json);
    }

    // Tightening a switch governs an environment as loosening does.
    private static void Authorize(Reach reach, Switches before, Switches after)
    {
        var production = reach.Environments.Where(environment => environment.Kind == Policy.Production).Select(one => one.Id).ToList();
        var isOfProductionAlone = new Switches(after) { ProductionAccess = before.ProductionAccess }.Equals(before) && production.Count > 0;
        if (isOfProductionAlone)
        {
            reach.Require(Scopes.WorkspaceWrite, production);
        }
        else
        {
            reach.RequireEverywhere(Scopes.WorkspaceWrite);
        }
    }

    private static object Describe(Switches switches) =>
        new
        {
            enabled = switches.Enabled,
            productionAccess = switches.ProductionAccess,
            writeAccess = switches.WriteAccess,
            strictAudit = switches.StrictAudit,
        };
}
