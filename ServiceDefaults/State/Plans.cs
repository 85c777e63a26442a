namespace Platform.ServiceDefaults.State;

/// <summary>How PostgreSQL plans prepared statements for the rest of a transaction: expressions to select.</summary>
public static class Plans
{
    /// <summary>
    /// A new plan for each call, made for its parameters. This also keeps a plan from outliving the state that it was made for: a plan made
    /// for an empty table reads the whole table each time until the statistics are renewed.
    /// </summary>
    public const string PerCall = "set_config('plan_cache_mode', 'force_custom_plan', true)";

    /// <summary>Once, for any parameters.</summary>
    public const string Once = "set_config('plan_cache_mode', 'force_generic_plan', true)";
}
