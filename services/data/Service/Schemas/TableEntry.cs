using System.Data;
using Grpc.Core;
using Npgsql;
using Platform.Contracts;
using Platform.Data.Service.Fields;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Data.Service.Schemas;

/// <summary>Enters the role of a workspace's tables, in the round trip that reads from one of them.</summary>
internal static class TableEntry
{
    // The version is read as the application role, under row-level security: a table of another environment has none.
    // Parallel workers make one search faster and many slower.
    private const string Enter = """
        select (select t.schema_version from data.database_table t where t.id = $1 and t.deleted_at is null) as version,
            set_config('role', $2, true), set_config('statement_timeout', '15s', true),
            set_config('max_parallel_workers_per_gather', '0', true)
        """;

    private const string BeginWrite = "select data.begin_write($1, $2)";
    private const string LockShared = "select set_config('lock_timeout', '2s', true), pg_advisory_xact_lock_shared(data.table_lock($1))";
    private const string EnterRole = "select set_config('role', $1, true)";

    // A change by ids needs one plan, through the key's index, however large the table is. By default PostgreSQL expects ten ids in an
    // array that holds one, finds a plan for one id cheaper, and plans every time. For a large statement, planning takes longer than
    // running it.
    private const string EnterRoleByIds = $"select set_config('role', $1, true), {Plans.Once}, set_config('enable_seqscan', 'off', true)";

    public static Statement For(TableSchema table) => new(Enter, table.Id, table.Role);

    /// <summary>Why a query that <see cref="For"/> began was given up.</summary>
    public static RpcException TooSlow() =>
        Problem.Of(
            StatusCode.ResourceExhausted,
            Reasons.QueryTooSlow,
            "The query took longer than 15 seconds, or its total longer than 10, and was given up.",
            "Filter by more, look for text in fewer or shorter fields, or leave out includeTotal."
        );

    /// <summary>Steps from the result of <see cref="For"/> to the one behind it.</summary>
    /// <exception cref="StaleSchemaException">The table has another version than the one known, or is gone.</exception>
    public static async Task CheckAsync(NpgsqlDataReader reader, TableSchema table)
    {
        if (!await reader.ReadAsync() || reader.IsDBNull("version") || reader.GetInt64("version") != table.Version)
        {
            throw new StaleSchemaException();
        }

        await reader.NextResultAsync();
    }

    /// <summary>Before writing records: the table's lock, shared among writers, and the check of the version under it.</summary>
    public static Statement Lock(TableSchema table) => new(BeginWrite, table.Id, table.Version);

    /// <summary>The same lock without the check, for who looks at the table only then.</summary>
    public static Statement Lock(Guid tableId) => new(LockShared, tableId);

    public static Statement Role(Guid workspaceId) => new(EnterRole, TableSchema.RoleOf(workspaceId));

    /// <summary>The same for a change of records by their ids.</summary>
    public static Statement RoleByIds(Guid workspaceId) => new(EnterRoleByIds, TableSchema.RoleOf(workspaceId));
}
