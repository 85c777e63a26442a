using Npgsql;
using Platform.ServiceDefaults.State;

namespace Platform.Identity.Service.State;

/// <summary>Statements on what belongs to no workspace: keys, revocations, tokens whose workspace is not known yet.</summary>
internal static class Statements
{
    public static async Task<int> ExecuteAsync(this NpgsqlConnection connection, Statement statement, CancellationToken cancellationToken)
    {
        await using var command = Command(connection, statement);
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }

    public static async Task<List<T>> QueryAsync<T>(
        this NpgsqlConnection connection,
        Statement statement,
        Func<NpgsqlDataReader, T> map,
        CancellationToken cancellationToken
    )
    {
        await using var command = Command(connection, statement);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var rows = new List<T>();
        while (await reader.ReadAsync(cancellationToken))
        {
            rows.Add(map(reader));
        }

        return rows;
    }

    private static NpgsqlCommand Command(NpgsqlConnection connection, Statement statement)
    {
        var command = new NpgsqlCommand(statement.Sql, connection);
        foreach (var argument in statement.Arguments ?? [])
        {
            command.Parameters.Add(argument as NpgsqlParameter ?? new NpgsqlParameter { Value = argument ?? DBNull.Value });
        }

        return command;
    }
}
