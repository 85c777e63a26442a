using System.Data;
using Npgsql;
using Platform.Changes.Undo;
using Platform.Data.Service.Fields;
using Platform.Data.Service.Schemas;
using Platform.ServiceDefaults.State;

namespace Platform.Data.Service.Changes;

/// <summary>Looks for obstacles in the catalogue and in the records.</summary>
internal static partial class SchemaObstacles
{
    // Who changed a part last; nothing where the change is older than the history of changes.
    private const string Last = """
        left join lateral (select c.actor, c.changed_at, c.call_id from platform.row_change c
            where c.relation = '{0}' and c.key = x.id::text order by c.position desc limit 1) l on true
        """;

    private static readonly string _findTables = $"""
        select distinct on (x.database_id) x.database_id::text as owner, 'table' as kind, x.name, l.actor, l.changed_at, l.call_id
        from data.database_table x {LastOf("database_table")}
        where x.database_id = any($1) and x.deleted_at is null and x.id <> all($2) order by x.database_id, x.created_at desc
        """;

    private static readonly string _findFields = $"""
        select distinct on (x.table_id) x.table_id::text as owner, 'field' as kind, x.name, l.actor, l.changed_at, l.call_id
        from data.field x {LastOf("field")}
        where x.table_id = any($1) and x.deleted_at is null and x.id <> all($2) order by x.table_id, x.created_at desc
        """;

    private static readonly string _findViews = $"""
        select distinct on (x.table_id) x.table_id::text as owner, 'view' as kind, x.name, l.actor, l.changed_at, l.call_id
        from data.view x {LastOf("view")}
        where x.table_id = any($1) and x.deleted_at is null and x.id <> all($2) order by x.table_id, x.created_at desc
        """;

    private static readonly string _findChoices = $"""
        select distinct on (x.field_id) x.field_id::text as owner, 'choice' as kind, x.label as name, l.actor, l.changed_at, l.call_id
        from data.choice x {LastOf("choice")}
        where x.field_id = any($1) and x.removed_at is null and x.id <> all($2) order by x.field_id, x.position desc
        """;

    private static readonly string _findViewTexts = $"""
        select x.name, concat_ws(' ', x.filter, array_to_string(x.sorting, ' '), array_to_string(x.fields, ' ')) as names,
            l.actor, l.changed_at, l.call_id
        from data.view x {LastOf("view")} where x.table_id = any($1) and x.deleted_at is null and x.id <> all($2)
        """;

    private const string FindLastCall = """
        select call_id from data.record_change where table_id = $1 and call_id <> $2 order by changed_at desc limit 1
        """;

    private static string LastOf(string relation) => Last.Replace("{0}", relation, StringComparison.Ordinal);

    private static Task<int> EnterAsync(WriteTransaction tx) =>
        tx.ExecuteAsync(TableEntry.Role(tx.Call.WorkspaceId).Sql, TableSchema.RoleOf(tx.Call.WorkspaceId));

    private static async Task<List<Obstacle>> FindOwnedAsync(WriteTransaction tx, string find, List<RowPlan> owners, Guid[] going)
    {
        var owned =
            owners.Count == 0
                ? []
                : await tx.QueryAsync(
                    find,
                    row =>
                        (
                            Owner: row.GetString("owner"),
                            What: $"The {row.GetString("kind")} {row.GetString("name")} in it stays.",
                            Last: LastTouch.Read(row)
                        ),
                    owners.ConvertAll(plan => Guid.Parse(plan.Key)).ToArray(),
                    going
                );
        return owned.ConvertAll(one => new Obstacle(
            owners.Single(plan => plan.Key == one.Owner),
            ChangedSince,
            one.What,
            one.Last.By,
            one.Last.At,
            one.Last.CallId
        ));
    }

    private static async Task<List<Obstacle>> FindUsingViewsAsync(
        WriteTransaction tx,
        List<RowPlan> parts,
        List<Guid> tables,
        IReadOnlyList<RowPlan> wanted
    )
    {
        var ofUndo = wanted.Where(plan => plan.Table.Name == "view").ToList();
        var views =
            parts.Count == 0
                ? []
                : await tx.QueryAsync(
                    _findViewTexts,
                    row => (Name: row.GetString("name"), Text: row.GetString("names"), Last: LastTouch.Read(row)),
                    tables.ToArray(),
                    ofUndo.ConvertAll(plan => Guid.Parse(plan.Key)).ToArray()
                );
        views.AddRange(
            ofUndo
                .Where(plan => plan.Target is not null)
                .Select(plan => (RowPlan.Value(plan.Target, "name")!, plan.Target!, new LastTouch("", null, "")))
        );
        return
        [
            .. parts.SelectMany(plan =>
                views
                    .Where(view => view.Text.Contains(plan.Id, StringComparison.Ordinal))
                    .Take(1)
                    .Select(view => new Obstacle(
                        plan,
                        ChangedSince,
                        $"The view {view.Name} uses it.",
                        view.Last.By,
                        view.Last.At,
                        view.Last.CallId
                    ))
            ),
        ];
    }

    private static async Task<List<Obstacle>> WithoutOwnerAsync(
        WriteTransaction tx,
        string owners,
        string mark,
        IReadOnlyList<RowPlan> plans,
        IReadOnlyList<RowPlan> wanted
    )
    {
        var back = plans.Where(plan => plan is { Target: not null, Current: null }).ToLookup(plan => plan.OwnerKey!);
        var gone = await MissingAsync(
            tx,
            $"select id::text from {owners} where id = any($1) and {mark} is null",
            owners.Split('.')[1],
            back.Select(one => one.Key),
            wanted
        );
        return
        [
            .. gone.SelectMany(key => back[key])
                .Select(plan => new Obstacle(plan, CannotBeUndone, "What it belongs to is removed. Undo that first.")),
        ];
    }

    /// <summary>Those of the keys that will not be there.</summary>
    private static async Task<List<string>> MissingAsync(
        WriteTransaction tx,
        string findLive,
        string table,
        IEnumerable<string> keys,
        IReadOnlyList<RowPlan> wanted
    )
    {
        var all = keys.Distinct().ToList();
        if (all.Count == 0)
        {
            return [];
        }

        var there = (await tx.QueryAsync(findLive, row => row.GetString(0), [all.ConvertAll(Guid.Parse).ToArray()])).ToHashSet();
        there.ExceptWith(wanted.Where(plan => plan.IsRemoval && plan.Table.Name == table).Select(plan => plan.Key));
        there.UnionWith(wanted.Where(plan => plan.Target is not null && plan.Table.Name == table).Select(plan => plan.Key));
        return [.. all.Where(key => !there.Contains(key))];
    }

    private static async Task<Others?> FindRecordsAsync(WriteTransaction tx, Guid tableId, string condition)
    {
        await EnterAsync(tx);
        var found = await tx.QueryOneAsync(
            $"""
            select count(*) as count, (array_agg(r.updated_by order by r.updated_at desc))[1] as changed_by, max(r.updated_at) as changed_at
            from {TableSchema.QualifiedNameOf(tx.Call.WorkspaceId, tableId)} r
            where r.deleted_at is null and {condition} having count(*) > 0
            """,
            Others.Read
        );
        await tx.LeaveRoleAsync();
        return found is null ? null : found with { CallId = await tx.ScalarAsync<string>(FindLastCall, tableId, tx.Call.CallId) ?? "" };
    }

    private static Task<Others?> FindValuesAsync(WriteTransaction tx, RowPlan field)
    {
        if (RowPlan.Value(field.Current, "link_field_id") is not { } other)
        {
            return FindRecordsAsync(tx, Guid.Parse(field.OwnerKey!), $"r.{FieldSchema.ColumnOf(Guid.Parse(field.Key))} is not null");
        }

        var (own, linked) = (Guid.Parse(field.OwnerKey!), Guid.Parse(RowPlan.Value(field.Current, "link_table_id")!));
        var isInverse = RowPlan.Value(field.Current, "link_is_inverse") == "True";
        var (table, target, column) = isInverse ? (linked, own, Guid.Parse(other)) : (own, linked, Guid.Parse(field.Key));
        return FindRecordsAsync(
            tx,
            table,
            $"exists (select from {TableSchema.QualifiedNameOf(tx.Call.WorkspaceId, target)} o "
                + $"where o.id = any(r.{FieldSchema.ColumnOf(column)}) and o.deleted_at is null)"
        );
    }

    /// <summary>Why the values that are there do not fit the rules that would hold again.</summary>
    private static async Task<string?> FindMisfitAsync(WriteTransaction tx, RowPlan field)
    {
        if (!Tightens(field))
        {
            return null;
        }

        var (required, unique, single) = (Becomes(field, "required"), Becomes(field, "is_unique"), Becomes(field, "link_is_single"));
        var (length, precision) = (Number(field.Target, "max_length"), Number(field.Target, "precision"));
        var column = FieldSchema.ColumnOf(Guid.Parse(field.Key));
        await EnterAsync(tx);
        var tooLong = CountOf(length is not null, FieldRules.IsLonger(column, length ?? 0));
        var tooFine = CountOf(precision is not null, FieldRules.HasMoreDecimals(column, precision ?? 0));
        var found = await tx.QueryOneAsync(
            $"""
            select count(*) filter (where {FieldRules.IsMissing(column)}) as missing,
                count({column}) - count(distinct {FieldKind.Of(RowPlan.Value(field.Target, "type")!).KeyOf(
                column
            )}) as shared, {tooLong} as too_long, {tooFine} as too_fine,
                {CountOf(single, FieldRules.HoldsSeveral(column))} as several
            from {TableSchema.QualifiedNameOf(tx.Call.WorkspaceId, Guid.Parse(field.OwnerKey!))} where deleted_at is null
            """,
            Misfits.Read
        );
        await tx.LeaveRoleAsync();
        return required && found!.Missing > 0 ? $"It would be required again, and {found.Missing} records have no value."
            : unique && found!.Shared > 0 ? $"It would be unique again, and {found.Shared} values are shared."
            : found!.TooLong > 0 ? $"{found.TooLong} values are longer than the {length} characters it would take again."
            : found.TooFine > 0 ? $"{found.TooFine} values have more than the {precision} decimal places it would take again."
            : found.Several > 0 ? $"It would hold one link again, and {found.Several} records hold more."
            : null;

        static string CountOf(bool holds, string condition) => holds ? $"count(*) filter (where {condition})" : "0::bigint";
    }

    /// <summary>Records that stay in the way, and who changed one of them last.</summary>
    private sealed record Others(long Count, string By, DateTime At, string CallId)
    {
        public static Others Read(NpgsqlDataReader row) =>
            new(row.GetInt64("count"), row.GetString("changed_by"), row.GetDateTime("changed_at"), "");
    }

    /// <summary>Who changed a part of the schema last; empty when nothing is kept of that.</summary>
    private sealed record LastTouch(string By, DateTime? At, string CallId)
    {
        public static LastTouch Read(NpgsqlDataReader row) =>
            new(
                row.IsDBNull("actor") ? "" : row.GetString("actor"),
                row.IsDBNull("changed_at") ? null : row.GetDateTime("changed_at"),
                row.IsDBNull("call_id") ? "" : row.GetString("call_id")
            );
    }

    /// <summary>How many values break which rule of a field that goes back.</summary>
    private sealed record Misfits(long Missing, long Shared, long TooLong, long TooFine, long Several)
    {
        public static Misfits Read(NpgsqlDataReader row) =>
            new(
                row.GetInt64("missing"),
                row.GetInt64("shared"),
                row.GetInt64("too_long"),
                row.GetInt64("too_fine"),
                row.GetInt64("several")
            );
    }
}
