using System.Data;
using Npgsql;

namespace Platform.Data.Service.Indexes;

internal sealed partial class IndexKeeper
{
    private const string FindEarned = """
        select workspace_id, environment_id, table_id, shape, searches, milliseconds from data.search_usage
        where searches >= $1 and milliseconds >= searches * $2 order by milliseconds desc limit 100
        """;

    private const string FindIndexes = """
        select e.workspace_id, e.environment_id, e.id, e.table_id, e.name, e.keys, e.is_ready, e.last_used_at, e.scans_seen,
            c.oid is not null as is_there, coalesce(i.indisvalid, false) as is_valid, coalesce(pg_stat_get_numscans(c.oid), 0) as scans
        from data.earned_index e
            left join pg_class c on c.relname = e.name
                and c.relnamespace = to_regnamespace('ws_' || replace(e.workspace_id::text, '-', ''))::oid
            left join pg_index i on i.indexrelid = c.oid
        order by e.id
        """;

    private async Task<List<Earned>> FindEarnedAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var find = new NpgsqlCommand(FindEarned, connection)
        {
            Parameters =
            {
                new() { Value = (long)options.Value.MinSearches },
                new() { Value = options.Value.MinMilliseconds },
            },
        };
        await using var reader = await find.ExecuteReaderAsync(cancellationToken);
        var earned = new List<Earned>();
        while (await reader.ReadAsync(cancellationToken))
        {
            earned.Add(Earned.Read(reader));
        }

        return earned;
    }

    private static async Task<List<Existing>> FindIndexesAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var find = new NpgsqlCommand(FindIndexes, connection);
        await using var reader = await find.ExecuteReaderAsync(cancellationToken);
        var indexes = new List<Existing>();
        while (await reader.ReadAsync(cancellationToken))
        {
            indexes.Add(Existing.Read(reader));
        }

        return indexes;
    }

    /// <summary>Searches that deserve an index.</summary>
    private sealed record Earned(Guid WorkspaceId, Guid EnvironmentId, Guid TableId, string Shape, long Searches, double Milliseconds)
    {
        public static Earned Read(NpgsqlDataReader row) =>
            new(
                row.GetGuid("workspace_id"),
                row.GetGuid("environment_id"),
                row.GetGuid("table_id"),
                row.GetString("shape"),
                row.GetInt64("searches"),
                row.GetDouble("milliseconds")
            );
    }

    /// <summary>An index that was written down, and of which table and keys it will be.</summary>
    private sealed record Begun(Existing Index, string Table, IReadOnlyList<IndexKey> Keys);

    /// <summary>An index as its row and PostgreSQL know it.</summary>
    private sealed record Existing
    {
        public required Guid WorkspaceId { get; init; }

        public required Guid EnvironmentId { get; init; }

        public required Guid Id { get; init; }

        public required Guid TableId { get; init; }

        public required string Name { get; init; }

        public required string[] Keys { get; init; }

        public required DateTime LastUsedAt { get; init; }

        /// <summary>Whether it was built to the end.</summary>
        public bool IsReady { get; init; }

        /// <summary>How many scans have been counted as uses.</summary>
        public long ScansSeen { get; init; }

        /// <summary>How many scans PostgreSQL has counted.</summary>
        public long Scans { get; init; }

        /// <summary>Whether PostgreSQL has it.</summary>
        public bool IsThere { get; init; }

        /// <summary>Whether PostgreSQL can use it.</summary>
        public bool IsValid { get; init; }

        public static Existing Read(NpgsqlDataReader row) =>
            new()
            {
                WorkspaceId = row.GetGuid("workspace_id"),
                EnvironmentId = row.GetGuid("environment_id"),
                Id = row.GetGuid("id"),
                TableId = row.GetGuid("table_id"),
                Name = row.GetString("name"),
                Keys = row.GetFieldValue<string[]>("keys"),
                LastUsedAt = row.GetDateTime("last_used_at"),
                IsReady = row.GetBoolean("is_ready"),
                ScansSeen = row.GetInt64("scans_seen"),
                Scans = row.GetInt64("scans"),
                IsThere = row.GetBoolean("is_there"),
                IsValid = row.GetBoolean("is_valid"),
            };
    }
}
