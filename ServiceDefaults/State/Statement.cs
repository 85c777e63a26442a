using Npgsql;
using Platform.ServiceDefaults.Calls;

namespace Platform.ServiceDefaults.State;

/// <summary>
/// One SQL statement with positional parameters ($1, $2, …). An argument may be an <see cref="NpgsqlParameter"/> where PostgreSQL cannot
/// derive its type.
/// </summary>
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
            // A parameter belongs to one command only, and a statement may run again.
            parameters.Add((argument as NpgsqlParameter)?.Clone() ?? new NpgsqlParameter { Value = argument ?? DBNull.Value });
        }
    }
}

/// <summary>Settings of a transaction beside workspace and environment, such as the role that owns a workspace's own tables.</summary>
/// <param name="Role">Entered with the transaction and left with it.</param>
/// <param name="ForceCustomPlan">For queries whose best plan depends on their parameters.</param>
public sealed record SessionSettings(string? Role = null, bool ForceCustomPlan = false)
{
    public static SessionSettings Default { get; } = new();

    internal Statement ToStatement(Call call)
    {
        var sql = "select set_config('platform.workspace_id', $1, true), set_config('platform.environment_id', $2, true)";
        List<object?> arguments = [call.WorkspaceId == Guid.Empty ? "" : call.WorkspaceId.ToString(), call.EnvironmentId?.ToString() ?? ""];
        if (ForceCustomPlan)
        {
            sql += $", {Plans.PerCall}";
        }

        if (Role is not null)
        {
            Set("role", Role);
        }

        if (call.IsOfWorkspace)
        {
            // What platform.environments() and platform.is_of_workspace() answer, for policies.
            var scope = call.Definition!.Options.Scope;
            Set("platform.environments", string.Join(',', call.Caller.Reach.With(scope)));
            Set("platform.is_of_workspace", call.Caller.Reach.HasForWorkspace(scope) ? "true" : "");
        }

        return new Statement(sql, arguments);

        void Set(string name, string value)
        {
            arguments.Add(value);
            sql += $", set_config('{name}', ${arguments.Count}, true)";
        }
    }
}
