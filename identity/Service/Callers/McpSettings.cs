using Npgsql;
using Platform.Identity.Contracts.V1;
using Platform.ServiceDefaults.State;

namespace Platform.Identity.Service.Callers;

/// <summary>The MCP settings of a workspace as rows and as statements.</summary>
internal static class McpSettings
{
    /// <summary>Under a workspace's row-level security. No row: the defaults.</summary>
    public static Statement Find { get; } = new("select enabled, production_access, write_access, strict_audit from identity.mcp_settings");

    /// <summary>What holds until somebody decides otherwise: everything but production.</summary>
    public static Switches Default => new() { Enabled = true, WriteAccess = true };

    public static Switches Read(NpgsqlDataReader row, int first = 0) =>
        row.IsDBNull(first)
            ? Default
            : new()
            {
                Enabled = row.GetBoolean(first),
                ProductionAccess = row.GetBoolean(first + 1),
                WriteAccess = row.GetBoolean(first + 2),
                StrictAudit = row.GetBoolean(first + 3),
            };
}
