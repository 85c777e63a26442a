using System.Globalization;
using System.Text.RegularExpressions;
using Platform.Changes.Undo;
using Platform.Contracts;
using Platform.Data.Service.Fields;
using Platform.Data.Service.Schemas;
using Platform.ServiceDefaults.State;

namespace Platform.Data.Service.Changes;

/// <summary>What keeps parts of a schema from going back: what others put there since, and what would have nothing to stand on.</summary>
internal static partial class SchemaObstacles
{
    private const string ChangedSince = "CHANGED_SINCE";
    private const string CannotBeUndone = "CANNOT_BE_UNDONE";

    // Who touched a part last, if it was since changes are kept.
    private const string Last = """
        left join lateral (select c.actor, c.changed_at, c.call_id from platform.row_change c
            where c.relation = '{0}' and c.key = x.id::text order by c.position desc limit 1) l on true
        """;

    private static readonly string _findTables = $"""
        select distinct on (x.database_id) x.database_id::text, 'table', x.name, l.actor, l.changed_at, l.call_id
        from data.database_table x {LastOf("database_table")}
        where x.database_id = any($1) and x.deleted_at is null and x.id <> all($2) order by x.database_id, x.created_at desc
        """;

    private static readonly string _findFields = $"""
        select distinct on (x.table_id) x.table_id::text, 'field', x.name, l.actor, l.changed_at, l.call_id from data.field x {LastOf(
            "field"
        )}
        where x.table_id = any($1) and x.deleted_at is null and x.id <> all($2) order by x.table_id, x.created_at desc
        """;

    private static readonly string _findViews = $"""
        select distinct on (x.table_id) x.table_id::text, 'view', x.name, l.actor, l.changed_at, l.call_id from data.view x {LastOf("view")}
        where x.table_id = any($1) and x.deleted_at is null and x.id <> all($2) order by x.table_id, x.created_at desc
        """;

    private static readonly string _findChoices = $"""
        select distinct on (x.field_id) x.field_id::text, 'choice', x.label, l.actor, l.changed_at, l.call_id from data.choice x {LastOf(
            "choice"
        )}
        where x.field_id = any($1) and x.removed_at is null and x.id <> all($2) order by x.field_id, x.position desc
        """;

    private static readonly string _findViewTexts = $"""
        select x.id::text, x.name, concat_ws(' ', x.filter, array_to_string(x.sorting, ' '), array_to_string(x.fields, ' ')), l.actor, l.changed_at, l.call_id
        from data.view x {LastOf("view")} where x.table_id = any($1) and x.deleted_at is null and x.id <> all($2)
        """;

    private const string FindPrimary = "select id::text, primary_field_id::text from data.database_table where id = any($1)";

    private const string FindLiveFields = "select id::text from data.field where id = any($1) and deleted_at is null";

    private const string FindLiveChoices = "select id::text from data.choice where id = any($1) and removed_at is null";

    private const string FindFieldsOfChoices = "select id::text, table_id, type from data.field where id = any($1)";

    private const string FindLastCall = """
        select call_id from data.record_change where table_id = $1 and call_id <> $2 order by changed_at desc limit 1
        """;

    public static Task<List<Obstacle>> OfDatabasesAsync(WriteTransaction tx, IReadOnlyList<RowPlan> plans, IReadOnlyList<RowPlan> wanted) =>
        FindOwnedAsync(tx, _findTables, Removals(plans), Going(wanted, "database_table"));

    public static async Task<List<Obstacle>> OfTablesAsync(WriteTransaction tx, IReadOnlyList<RowPlan> plans, IReadOnlyList<RowPlan> wanted)
    {
        var found = await WithoutOwnerAsync(tx, "data.database", "deleted_at", plans, wanted);
        var removals = Removals(plans);
        found.AddRange(await FindOwnedAsync(tx, _findFields, removals, Going(wanted, "field")));
        found.AddRange(await FindOwnedAsync(tx, _findViews, removals, Going(wanted, "view")));
        foreach (var plan in removals)
        {
            if (await FindRecordsAsync(tx, Guid.Parse(plan.Key), "true") is { } others)
            {
                found.Add(
                    new Obstacle(
                        plan,
                        ChangedSince,
                        $"It has {others.Count} records that are not taken back.",
                        others.By,
                        others.At,
                        others.CallId
                    )
                );
            }
        }

        // The field that names records may be none any more.
        var primary = plans
            .Where(plan => plan is { Target: not null, Current: not null })
            .ToLookup(plan => RowPlan.Value(plan.Target, "primary_field_id")!);
        var gone = await MissingAsync(tx, FindLiveFields, "field", primary.Select(one => one.Key), wanted);
        found.AddRange(
            gone.SelectMany(key => primary[key])
                .Select(plan => new Obstacle(plan, CannotBeUndone, "The field that named its records is removed. Undo that first."))
        );
        return found;
    }

    public static async Task<List<Obstacle>> OfFieldsAsync(WriteTransaction tx, IReadOnlyList<RowPlan> plans, IReadOnlyList<RowPlan> wanted)
    {
        var found = await WithoutOwnerAsync(tx, "data.database_table", "deleted_at", plans, wanted);
        var going = Going(wanted, "database_table").ToHashSet();
        var removals = Removals(plans).Where(plan => !going.Contains(Guid.Parse(plan.OwnerKey!))).ToList();
        found.AddRange(await FindOwnedAsync(tx, _findChoices, removals, Going(wanted, "choice")));
        found.AddRange(await FindUsingViewsAsync(tx, removals, removals.ConvertAll(plan => Guid.Parse(plan.OwnerKey!)), wanted));
        var primaryOf = (
            await tx.QueryAsync(
                FindPrimary,
                row => (Table: row.GetString(0), Field: row.GetString(1)),
                [removals.ConvertAll(plan => Guid.Parse(plan.OwnerKey!)).ToArray()]
            )
        ).ToDictionary(one => one.Table, one => one.Field);
        foreach (var table in wanted.Where(one => one is { Target: not null, Table.Name: "database_table" }))
        {
            primaryOf[table.Key] = RowPlan.Value(table.Target, "primary_field_id")!;
        }

        foreach (var plan in removals)
        {
            if (primaryOf.GetValueOrDefault(plan.OwnerKey!) == plan.Key)
            {
                found.Add(new Obstacle(plan, ChangedSince, "It names the records of its table."));
            }
            else if (await FindValuesAsync(tx, plan) is { } values)
            {
                found.Add(
                    new Obstacle(
                        plan,
                        ChangedSince,
                        $"{values.Count} records have a value of it that is not taken back.",
                        values.By,
                        values.At,
                        values.CallId
                    )
                );
            }
        }

        // Both sides of a link, or none.
        var goingFields = Going(wanted, "field").ToHashSet();
        found.AddRange(
            Removals(plans)
                .Where(plan => RowPlan.Value(plan.Current, "link_field_id") is { } other && !goingFields.Contains(Guid.Parse(other)))
                .Select(plan => new Obstacle(plan, ChangedSince, "The other side of the link stays."))
        );
        foreach (var plan in plans.Where(plan => plan is { Target: not null, Current: not null }))
        {
            if (await FindMisfitAsync(tx, plan) is { } why)
            {
                found.Add(new Obstacle(plan, ChangedSince, why));
            }
        }

        return found;
    }

    public static async Task<List<Obstacle>> OfChoicesAsync(
        WriteTransaction tx,
        IReadOnlyList<RowPlan> plans,
        IReadOnlyList<RowPlan> wanted
    )
    {
        var found = await WithoutOwnerAsync(tx, "data.field", "deleted_at", plans, wanted);
        var going = Going(wanted, "field").ToHashSet();
        var byField = Removals(plans).Where(plan => !going.Contains(Guid.Parse(plan.OwnerKey!))).ToLookup(plan => plan.OwnerKey!);
        var fields = await tx.QueryAsync(
            FindFieldsOfChoices,
            row => (Id: row.GetString(0), TableId: row.GetGuid(1), Type: row.GetString(2)),
            [byField.Select(field => Guid.Parse(field.Key)).ToArray()]
        );
        foreach (var (id, tableId, type) in fields)
        {
            var removals = byField[id].ToList();
            found.AddRange(await FindUsingViewsAsync(tx, removals, [tableId], wanted));
            var column = "r." + FieldSchema.ColumnOf(Guid.Parse(id));
            await EnterAsync(tx);
            var used = await tx.QueryAsync(
                $"""
                select u.id::text, count(*), (array_agg(r.updated_by order by r.updated_at desc))[1], max(r.updated_at)
                from {TableSchema.QualifiedNameOf(tx.Call.WorkspaceId, tableId)} r
                    cross join lateral unnest({(FieldKind.Of(type).IsList ? column : $"array[{column}]")}) as u(id)
                where r.deleted_at is null and u.id = any($1) group by u.id
                """,
                row => (Choice: row.GetString(0), Count: row.GetInt64(1), By: row.GetString(2), At: row.GetDateTime(3)),
                [removals.ConvertAll(plan => Guid.Parse(plan.Key)).ToArray()]
            );
            await tx.LeaveRoleAsync();
            found.AddRange(
                used.Select(one => new Obstacle(
                    removals.Single(plan => plan.Key == one.Choice),
                    ChangedSince,
                    $"{one.Count} records have it.",
                    one.By,
                    one.At
                ))
            );
        }

        return found;
    }

    public static async Task<List<Obstacle>> OfViewsAsync(WriteTransaction tx, IReadOnlyList<RowPlan> plans, IReadOnlyList<RowPlan> wanted)
    {
        var found = await WithoutOwnerAsync(tx, "data.database_table", "deleted_at", plans, wanted);
        foreach (var (prefix, table, find) in new[] { ("fld", "field", FindLiveFields), ("cho", "choice", FindLiveChoices) })
        {
            var named = plans
                .Where(plan => plan.Target is not null)
                .SelectMany(plan => IdsIn(prefix, plan.Target!).Select(key => (plan, key)))
                .ToLookup(one => one.key, one => one.plan);
            var gone = await MissingAsync(tx, find, table, named.Select(one => one.Key), wanted);
            found.AddRange(
                gone.SelectMany(key => named[key])
                    .Select(plan => new Obstacle(plan, CannotBeUndone, $"A {table} that it names is removed. Undo that first."))
            );
        }

        return found;
    }

    /// <summary>Whether a rule of the field becomes stricter when it goes back.</summary>
    public static bool Tightens(RowPlan field)
    {
        return Becomes(field, "required")
            || Becomes(field, "is_unique")
            || Becomes(field, "link_is_single")
            || IsLess("max_length")
            || IsLess("precision");

        bool IsLess(string limit) => Number(field.Target, limit) is { } then && !(Number(field.Current, limit) <= then);
    }

    private static bool Becomes(RowPlan field, string rule) =>
        RowPlan.Value(field.Target, rule) == "True" && RowPlan.Value(field.Current, rule) != "True";

    private static int? Number(string? image, string column) =>
        RowPlan.Value(image, column) is { } text ? int.Parse(text, CultureInfo.InvariantCulture) : null;

    private static string LastOf(string relation) => Last.Replace("{0}", relation, StringComparison.Ordinal);

    private static List<RowPlan> Removals(IEnumerable<RowPlan> plans) => [.. plans.Where(plan => plan.IsRemoval)];

    private static Guid[] Going(IEnumerable<RowPlan> wanted, string table) =>
        [.. wanted.Where(plan => plan.IsRemoval && plan.Table.Name == table).Select(plan => Guid.Parse(plan.Key))];

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
                            Key: row.GetString(0),
                            What: $"The {row.GetString(1)} {row.GetString(2)} in it stays.",
                            By: row.IsDBNull(3) ? "" : row.GetString(3),
                            At: row.IsDBNull(4) ? (DateTime?)null : row.GetDateTime(4),
                            CallId: row.IsDBNull(5) ? "" : row.GetString(5)
                        ),
                    owners.ConvertAll(plan => Guid.Parse(plan.Key)).ToArray(),
                    going
                );
        return owned.ConvertAll(one => new Obstacle(
            owners.Single(plan => plan.Key == one.Key),
            ChangedSince,
            one.What,
            one.By,
            one.At,
            one.CallId
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
                    row =>
                        (
                            Name: row.GetString(1),
                            Text: row.GetString(2),
                            By: row.IsDBNull(3) ? "" : row.GetString(3),
                            At: row.IsDBNull(4) ? (DateTime?)null : row.GetDateTime(4),
                            CallId: row.IsDBNull(5) ? "" : row.GetString(5)
                        ),
                    tables.ToArray(),
                    ofUndo.ConvertAll(plan => Guid.Parse(plan.Key)).ToArray()
                );
        views.AddRange(
            ofUndo
                .Where(plan => plan.Target is not null)
                .Select(plan => (RowPlan.Value(plan.Target, "name")!, plan.Target!, "", (DateTime?)null, ""))
        );
        return
        [
            .. parts.SelectMany(plan =>
                views
                    .Where(view => view.Text.Contains(plan.Id, StringComparison.Ordinal))
                    .Take(1)
                    .Select(view => new Obstacle(plan, ChangedSince, $"The view {view.Name} uses it.", view.By, view.At, view.CallId))
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
            select count(*), (array_agg(r.updated_by order by r.updated_at desc))[1], max(r.updated_at)
            from {TableSchema.QualifiedNameOf(
                tx.Call.WorkspaceId,
                tableId
            )} r where r.deleted_at is null and {condition} having count(*) > 0
            """,
            row => new Others(row.GetInt64(0), row.GetString(1), row.GetDateTime(2), "")
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
            $"exists (select from {TableSchema.QualifiedNameOf(tx.Call.WorkspaceId, target)} o where o.id = any(r.{FieldSchema.ColumnOf(column)}) and o.deleted_at is null)"
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
        var counts = await tx.QueryOneAsync(
            $"""
            select count(*) filter (where {FieldRules.IsMissing(column)}), count({column}) - count(distinct {column}), {CountOf(
                length is not null,
                FieldRules.IsLonger(column, length ?? 0)
            )},
                {CountOf(precision is not null, FieldRules.HasMoreDecimals(column, precision ?? 0))}, {CountOf(
                single,
                FieldRules.HoldsSeveral(column)
            )}
            from {TableSchema.QualifiedNameOf(tx.Call.WorkspaceId, Guid.Parse(field.OwnerKey!))} where deleted_at is null
            """,
            row => Enumerable.Range(0, 5).Select(row.GetInt64).ToArray()
        );
        await tx.LeaveRoleAsync();
        return required && counts![0] > 0 ? $"It would be required again, and {counts[0]} records have no value."
            : unique && counts![1] > 0 ? $"It would be unique again, and {counts[1]} values are shared."
            : counts![2] > 0 ? $"{counts[2]} values are longer than the {length} characters it would take again."
            : counts[3] > 0 ? $"{counts[3]} values have more than the {precision} decimal places it would take again."
            : counts[4] > 0 ? $"It would hold one link again, and {counts[4]} records hold more."
            : null;

        static string CountOf(bool holds, string condition) => holds ? $"count(*) filter (where {condition})" : "0::bigint";
    }

    private static IEnumerable<string> IdsIn(string prefix, string text) =>
        AnyId()
            .Matches(text)
            .Select(match => match.Value)
            .Where(id => id.StartsWith(prefix, StringComparison.Ordinal))
            .Select(id => Ids.TryParse(prefix, id, out var key) ? key.ToString() : null)
            .OfType<string>()
            .Distinct();

    [GeneratedRegex("(?:fld|cho)_[0-9A-Za-z]+")]
    private static partial Regex AnyId();

    private sealed record Others(long Count, string By, DateTime At, string CallId);
}
