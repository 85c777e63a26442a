using Npgsql;

namespace Platform.ServiceDefaults.State;

/// <summary>One SQL statement with positional parameters ($1, $2, …). An argument may be an <see cref="NpgsqlParameter"/> where its type must be told.</summary>
public readonly record struct Statement(string Sql, params IReadOnlyList<object?> Arguments)
{
    internal NpgsqlBatchCommand ToBatchCommand()
    {
        var command = new NpgsqlBatchCommand(Sql);
        Fill(command.Parameters);
        return command;
    }

    internal void Fill(NpgsqlParameterCollection parameters)
    {
        foreach (var argument in Arguments)
        {
            parameters.Add(argument as NpgsqlParameter ?? new NpgsqlParameter { Value = argument ?? DBNull.Value });
        }
    }
}

/// <summary>Settings of a transaction beside workspace and environment, such as the role that owns a workspace's own tables.</summary>
/// <param name="Role">Entered with the transaction and left with it.</param>
public sealed record SessionSettings(string? Role = null, Plan Plan = Plan.Auto)
{
    public static SessionSettings Default { get; } = new();

    internal Statement ToStatement(Guid workspaceId, Guid? environmentId)
    {
        var sql = "select set_config('platform.workspace_id', $1, true), set_config('platform.environment_id', $2, true)";
        List<object?> arguments = [workspaceId == Guid.Empty ? "" : workspaceId.ToString(), environmentId?.ToString() ?? ""];
        sql += Plan switch
        {
            Plan.PerCall => ", set_config('plan_cache_mode', 'force_custom_plan', true)",
            Plan.Once => ", set_config('plan_cache_mode', 'force_generic_plan', true)",
            _ => "",
        };

        if (Role is not null)
        {
            arguments.Add(Role);
            sql += ", set_config('role', $3, true)";
        }

        return new Statement(sql, arguments);
    }
}

/// <summary>How PostgreSQL plans the prepared statements of a transaction.</summary>
public enum Plan
{
    /// <summary>As it guesses from its estimates.</summary>
    Auto,

    /// <summary>Anew for each call: for queries whose best plan depends on their parameters.</summary>
    PerCall,

    /// <summary>
    /// Once for a connection: for statements that go by ids, whose plan is always the same. Left to itself PostgreSQL takes an array for ten
    /// ids where there is one, finds a plan for one cheaper, and plans every time, which for a large statement takes longer than running it.
    /// </summary>
    Once,
}
