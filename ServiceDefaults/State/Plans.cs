namespace Platform.ServiceDefaults.State;

/// <summary>How PostgreSQL plans prepared statements for the rest of a transaction: expressions to select.</summary>
public static class Plans
{
    /// <summary>
    /// Anew for each call, by its parameters. Also what keeps a plan from outliving what it was made for: one made in an empty table reads all of
    /// it, again and again, until the statistics are renewed.
    /// </summary>
    public const string PerCall = "set_config('plan_cache_mode', 'force_custom_plan', true)";

    /// <summary>Once, for any parameters.</summary>
    public const string Once = "set_config('plan_cache_mode', 'force_generic_plan', true)";
}
