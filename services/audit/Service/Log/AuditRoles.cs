using Npgsql;
using Platform.ServiceDefaults.State;

namespace Platform.Audit.Service.Log;

/// <summary>The roles for work without a workspace, see the migration that makes them.</summary>
internal static class AuditRoles
{
    public const string Intake = "audit_intake";
    public const string Streamer = "audit_streamer";

    /// <summary>A login of its own: the application role cannot enter it.</summary>
    public const string Sequencer = "audit_sequencer";

    /// <summary>A batch that runs as a role: its commands share one implicit transaction, after which the role is left.</summary>
    public static NpgsqlBatch CreateBatch(this NpgsqlDataSource database, string role)
    {
        var batch = database.CreateBatch();
        batch.Enter(role);
        return batch;
    }

    /// <summary>
    /// Enters a role for the rest of the transaction, with plans that keep up with the growing log. This is a query;
    /// <see cref="ReadAsync"/> skips its row.
    /// </summary>
    public static void Enter(this NpgsqlBatch batch, string role) =>
        batch.Add($"select set_config('role', $1, true), {Plans.PerCall}", role);

    public static void Add(this NpgsqlBatch batch, string sql, params IReadOnlyList<object?> arguments)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var argument in arguments)
        {
            command.Parameters.Add(argument as NpgsqlParameter ?? new NpgsqlParameter { Value = argument ?? DBNull.Value });
        }

        batch.BatchCommands.Add(command);
    }

    /// <summary>Runs the batch; the reader stands on the rows of the first statement after the role.</summary>
    public static async Task<NpgsqlDataReader> ReadAsync(this NpgsqlBatch batch, CancellationToken cancellationToken)
    {
        var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.NextResultAsync(cancellationToken);
        return reader;
    }
}
