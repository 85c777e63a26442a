namespace Aspire.StackExchange.Redis;

/// <summary>Settings of the Redis client, read from <c>Aspire:StackExchange:Redis</c> and <c>Aspire:StackExchange:Redis:&lt;connection name&gt;</c>.</summary>
public sealed class StackExchangeRedisSettings
{
    /// <summary>The connection string; by default the one of the connection's name.</summary>
    public string? ConnectionString { get; set; }

    /// <summary>Whether to leave out the health check.</summary>
    public bool DisableHealthChecks { get; set; }

    /// <summary>Whether to leave out tracing.</summary>
    public bool DisableTracing { get; set; }

    /// <summary>Whether to connect on first use only.</summary>
    public bool DisableAutoActivation { get; set; } = true;
}
