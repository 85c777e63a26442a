using System.Data;
using Npgsql;
using Platform.Identity.Contracts.V1;
using Platform.ServiceDefaults.State;

namespace Platform.Identity.Service.Workspaces;

/// <summary>The MCP settings of a workspace as rows and as statements.</summary>
internal static class McpSettings
{
    /// <summary>Under a workspace's row-level security. No row: the defaults hold.</summary>
    public static Statement Find { get; } = new("select enabled, production_access, write_access, strict_audit from identity.mcp_settings");

    /// <summary>What holds until somebody decides otherwise: everything but production.</summary>
    public static Switches Default => new() { Enabled = true, WriteAccess = true };

    public static Switches Read(NpgsqlDataReader row) =>
        row.IsDBNull("enabled")
            ? Default
            : new()
            {
                Enabled = row.GetBoolean("enabled"),
                ProductionAccess = row.GetBoolean("production_access"),
                WriteAccess = row.GetBoolean("write_access"),
                StrictAudit = row.GetBoolean("strict_audit"),
            };
}
