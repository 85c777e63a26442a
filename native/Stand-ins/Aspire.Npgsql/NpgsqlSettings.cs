namespace Aspire.Npgsql;

/// <summary>Settings of the Npgsql client, read from <c>Aspire:Npgsql</c> and <c>Aspire:Npgsql:&lt;connection name&gt;</c>.</summary>
public class NpgsqlSettings
{
    /// <summary>The connection string; by default the one of the connection's name.</summary>
    public string? ConnectionString { get; set; }

    /// <summary>Whether to leave out the health check.</summary>
    public bool DisableHealthChecks { get; set; }

    /// <summary>Whether to leave out tracing.</summary>
    public bool DisableTracing { get; set; }

    /// <summary>Whether to leave out metrics.</summary>
    public bool DisableMetrics { get; set; }
}
