using System.Data;
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
    private const string ChangedSince = Reasons.ChangedSince;
    private const string CannotBeUndone = Reasons.CannotBeUndone;

    private const string FindPrimary =
        "select id::text as id, primary_field_id::text as primary_field_id from data.database_table where id = any($1)";

    private const string FindLiveFields = "select id::text from data.field where id = any($1) and deleted_at is null";

    private const string FindLiveChoices = "select id::text from data.choice where id = any($1) and removed_at is null";

    private const string FindFieldsOfChoices = "select id::text as id, table_id, type from data.field where id = any($1)";

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

        // The field that named the records may not exist any more.
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
                row => (Table: row.GetString("id"), Field: row.GetString("primary_field_id")),
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

        // Both sides of a link go together.
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
            row => (Id: row.GetString("id"), TableId: row.GetGuid("table_id"), Type: row.GetString("type")),
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
                select u.id::text as choice, count(*) as count, (array_agg(r.updated_by order by r.updated_at desc))[1] as changed_by,
                    max(r.updated_at) as changed_at
                from {TableSchema.QualifiedNameOf(tx.Call.WorkspaceId, tableId)} r
                    cross join lateral unnest({(FieldKind.Of(type).IsList ? column : $"array[{column}]")}) as u(id)
                where r.deleted_at is null and u.id = any($1) group by u.id
                """,
                row => (Choice: row.GetString("choice"), Others: Others.Read(row)),
                [removals.ConvertAll(plan => Guid.Parse(plan.Key)).ToArray()]
            );
            await tx.LeaveRoleAsync();
            found.AddRange(
                used.Select(one => new Obstacle(
                    removals.Single(plan => plan.Key == one.Choice),
                    ChangedSince,
                    $"{one.Others.Count} records have it.",
                    one.Others.By,
                    one.Others.At
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

    private static List<RowPlan> Removals(IEnumerable<RowPlan> plans) => [.. plans.Where(plan => plan.IsRemoval)];

    private static Guid[] Going(IEnumerable<RowPlan> wanted, string table) =>
        [.. wanted.Where(plan => plan.IsRemoval && plan.Table.Name == table).Select(plan => Guid.Parse(plan.Key))];

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
}
