using System.Data;
using Npgsql;
using NpgsqlTypes;
using Platform.Contracts;
using Platform.Data.Contracts.V1;
using Platform.Data.Service.Fields;
using Platform.Data.Service.Queries;
using Platform.Data.Service.Schemas;
using Platform.ServiceDefaults.State;

namespace Platform.Data.Service.Records;

/// <summary>
/// Changes records of one table in one round trip: each is locked and, where a value differs, replaced, and history keeps its state before.
/// Each record may name different fields; fields that it does not name keep their values.
/// </summary>
/// <param name="table">Whose records.</param>
/// <param name="ids">The records, each once.</param>
/// <param name="values">Their new values, in the same order.</param>
internal sealed class RecordUpdate(TableSchema table, Guid[] ids, RecordValues values)
{
    private readonly List<(FieldSchema Field, object?[] Values)> _columns = [.. values.Columns];

    // A unique index is checked row by row. So that values can move among the records in any order, those whose values change hold none
    // while they do: records that are deleted hold no value. No other deletion is at this time.
    private const string Aside = "'-infinity'";

    /// <summary>The change in data's history; none was written when nothing differed.</summary>
    public Guid ChangeId { get; } = Ids.New();

    /// <summary>The version before and the version after, null when nothing differed, of every record that exists.</summary>
    public Dictionary<Guid, (long Before, long? After)> Versions { get; } = [];

    /// <summary>The records as they are after the change, whether it changed them or not.</summary>
    public List<Record> Records { get; } = [];

    public IEnumerable<FieldSchema> Fields => _columns.Select(column => column.Field);

    /// <param name="tx">Its transaction; left in the role of the workspace's tables.</param>
    /// <param name="rows">What to read back.</param>
    /// <param name="expected">The only version to change, by record; null where any will do.</param>
    public async Task RunAsync(WriteTransaction tx, RecordRows rows, long?[]? expected = null)
    {
        await values.CheckLinksAsync(tx);
        var aside = SetAside(expected);
        await tx.BatchAsync(
            async reader =>
            {
                // An update that returns nothing has no result.
                await reader.NextResultAsync();
                await reader.NextResultAsync();
                while (await reader.ReadAsync())
                {
                    Versions.Add(
                        reader.GetGuid("id"),
                        (reader.GetInt64("before"), reader.IsDBNull("after") ? null : reader.GetInt64("after"))
                    );
                }

                await reader.NextResultAsync();
                return await ReadAsync(reader, rows);
            },
            [
                TableEntry.Lock(table),
                TableEntry.RoleByIds(tx.Call.WorkspaceId),
                .. aside,
                Update(tx, expected ?? new long?[ids.Length], aside.Count > 0),
                Read(rows),
            ]
        );
    }

    /// <summary>Reads the records again, after what else was changed with them.</summary>
    public Task ReadAgainAsync(WriteTransaction tx, RecordRows rows) =>
        tx.BatchAsync(
            async reader =>
            {
                await reader.NextResultAsync();
                return await ReadAsync(reader, rows);
            },
            TableEntry.Role(tx.Call.WorkspaceId),
            Read(rows)
        );

    private Statement Read(RecordRows rows) =>
        new($"select {rows.Columns} from {table.QualifiedName} r where r.id = any($1) and r.deleted_at is null order by r.id", ids);

    private async Task<int> ReadAsync(NpgsqlDataReader reader, RecordRows rows)
    {
        Records.Clear();
        while (await reader.ReadAsync())
        {
            Records.Add(rows.Read(reader));
        }

        return Records.Count;
    }

    /// <summary>Sets the records aside whose unique values change. The caller has locked them.</summary>
    private List<Statement> SetAside(long?[]? expected)
    {
        var unique = _columns.FindAll(column => column.Field.Unique);
        if (ids.Length < 2 || unique.Count == 0 || expected is not null)
        {
            return [];
        }

        var parameters = new QueryParameters();
        var (arrays, aliases) = (parameters.AddIds(ids), "id");
        var differs = new List<string>();
        foreach (var (index, (field, column)) in unique.Index())
        {
            arrays += $", {parameters.Add(field.Kind.ArrayParameter(column))}";
            arrays += $", {parameters.Add(NpgsqlDbType.Array | NpgsqlDbType.Boolean, values.GivenOf(field))}";
            aliases += $", f{index}, g{index}";
            differs.Add($"v.g{index} and t.{field.Column} is distinct from v.f{index}{field.Kind.Cast}");
        }

        return
        [
            new Statement(
                $"update {table.QualifiedName} t set deleted_at = {Aside} from unnest({arrays}) as v({aliases}) "
                    + $"where t.id = v.id and t.deleted_at is null and ({string.Join(" or ", differs)})",
                parameters.Values
            ),
        ];
    }

    private Statement Update(WriteTransaction tx, long?[] expected, bool areAside)
    {
        if (_columns.Count == 0)
        {
            // The call named only links that another table keeps.
            return new Statement(
                $"select id, version as before, null::bigint as after from {table.QualifiedName} "
                    + "where id = any($1) and deleted_at is null order by id for update",
                ids
            );
        }

        var parameters = new QueryParameters();
        var arrays = $"{parameters.AddIds(ids)}, {parameters.Add(NpgsqlDbType.Array | NpgsqlDbType.Bigint, expected)}";
        var aliases = "id, expected";
        var next = new List<string>();
        var left = new List<string>();
        for (var i = 0; i < _columns.Count; i++)
        {
            var (field, column) = _columns[i];
            arrays += ", " + parameters.Add(field.Kind.ArrayParameter(column));
            aliases += $", f{i}";
            var value = $"v.f{i}{field.Kind.Cast}";
            if (values.GivenOf(field).All(given => given))
            {
                next.Add(value);
                continue;
            }

            arrays += ", " + parameters.Add(NpgsqlDbType.Array | NpgsqlDbType.Boolean, values.GivenOf(field));
            aliases += $", g{i}";
            next.Add($"case when v.g{i} then {value} else before.{field.Column} end");
            left.Add($"case when not v.g{i} then '{field.Column}' end");
        }

        var call = tx.Call;
        var (at, by) = (parameters.Add(NpgsqlDbType.TimestampTz, tx.Now.UtcDateTime), parameters.AddText(call.ActorId));
        var (workspace, environment) = (
            parameters.Add(NpgsqlDbType.Uuid, call.WorkspaceId),
            parameters.Add(NpgsqlDbType.Uuid, call.EnvironmentId)
        );
        var change = parameters.Add(NpgsqlDbType.Uuid, ChangeId);
        var tableId = parameters.Add(NpgsqlDbType.Uuid, table.Id);
        var old = string.Join(", ", _columns.Select(column => "before." + column.Field.Column));
        var (isThere, back) = areAside
            ? ($"(deleted_at is null or deleted_at = {Aside})", ", deleted_at = null")
            : ("deleted_at is null", "");
        // History keeps what the record named, and nothing else.
        var image = left.Count == 0 ? "to_jsonb(image)" : $"to_jsonb(image) - array_remove(array[{string.Join(", ", left)}], null)";
        return new Statement(
            $"""
            with v as (select * from unnest({arrays}) as v({aliases})),
            before as (select * from {table.QualifiedName} where id = any($1) and {isThere} order by id for update),
            r as (
                update {table.QualifiedName} t
                set {string.Join(", ", _columns.Select((column, index) => $"{column.Field.Column} = {next[index]}"))},
                    version = before.version + 1, updated_at = {at}, updated_by = {by}{back}
                from before join v on v.id = before.id
                where t.id = before.id and (v.expected is null or v.expected = before.version)
                    and row({old}) is distinct from row({string.Join(", ", next)})
                returning t.id, t.version
            ),
            changed as (
                insert into data.record_change
                    (workspace_id, environment_id, id, table_id, kind, record_ids, changed_at, changed_by, call_id, tool, task)
                select {workspace}, {environment}, {change}, {tableId}, 'updated', array_agg(r.id order by r.id), {at}, {by},
                    {parameters.AddText(call.CallId)}, {parameters.AddText(call.Tool)}, {parameters.AddText(call.Task)}
                from r having count(*) > 0
            ),
            kept as (
                insert into data.record_before (workspace_id, environment_id, record_id, version, change_id, before)
                select {workspace}, {environment}, before.id, before.version, {change}, {image}
                from before join r on r.id = before.id join v on v.id = before.id,
                    lateral (select before.version, before.updated_at, before.updated_by, {old}) as image
            )
            select before.id, before.version as before, r.version as after from before left join r on r.id = before.id
            """,
            parameters.Values
        );
    }
}
