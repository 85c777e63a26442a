using Platform.Changes.Undo;
using Platform.Contracts;
using Platform.Data.Service.Fields;
using Platform.Data.Service.Indexes;
using Platform.Data.Service.Schemas;
using Platform.Data.Service.Tables;
using Platform.ServiceDefaults.State;

namespace Platform.Data.Service.Changes;

/// <summary>
/// How databases, tables, fields, choices and views go back. Like every removal of a part of a schema, this marks the part as removed:
/// columns and user tables stay, so that the undo can be undone.
/// </summary>
internal static class SchemaUndo
{
    private const string Write = Scopes.SchemaWrite;
    private const string Delete = Scopes.SchemaDelete;

    private const string FindDatabases =
        "select distinct key::uuid as id from platform.row_change where call_id = any($1) and relation = 'database' order by id";

    private const string FindTables = """
        select distinct case r.relation when 'database_table' then r.key when 'choice' then f.table_id::text
            else coalesce(r.after, r.before) ->> 'table_id' end::uuid as id
        from platform.row_change r
            left join data.field f on r.relation = 'choice' and f.id = (coalesce(r.after, r.before) ->> 'field_id')::uuid
        where r.call_id = any($1) and r.relation in ('database_table', 'field', 'choice', 'view') order by id
        """;

    private const string LockDatabases = "select id from data.database where id = any($1) order by id for update";

    private const string LockTable = "select data.begin_schema_change($1)";

    private const string Loosen = """
        update data.field f set required = f.required and t.required, is_unique = f.is_unique and t.is_unique,
            link_is_single = f.link_is_single and t.link_is_single,
            max_length = case when f.max_length is not null and t.max_length is not null then greatest(f.max_length, t.max_length) end,
            precision = case when f.precision is not null and t.precision is not null then greatest(f.precision, t.precision) end
        from jsonb_populate_record(null::data.field, $2::jsonb) t where f.id = $1
        """;

    public static RowUndo Create() =>
        new(
            new KeptTable("data", "database", "database", "r.id = k.key::uuid", "name", "description", "updated_at", "updated_by")
            {
                IdOf = key => Ids.Format("db", Guid.Parse(key)),
                Mark = "deleted_at",
                FindObstaclesAsync = SchemaObstacles.OfDatabasesAsync,
                WritePermission = Write,
                DeletePermission = Delete,
            },
            new KeptTable("data", "database_table", "table", "r.id = k.key::uuid", "name", "description", "primary_field_id")
            {
                IdOf = key => Ids.Format("tbl", Guid.Parse(key)),
                Mark = "deleted_at",
                Owner = ("database", "database_id"),
                // These change with fields, choices and views.
                Ignored = ["schema_version", "updated_at", "updated_by"],
                FindObstaclesAsync = SchemaObstacles.OfTablesAsync,
                WritePermission = Write,
                DeletePermission = Delete,
            },
            new KeptTable(
                "data",
                "field",
                "field",
                "r.id = k.key::uuid",
                "name",
                "description",
                "required",
                "is_unique",
                "allow_new_choices",
                "max_length",
                "precision",
                "link_is_single"
            )
            {
                IdOf = key => Ids.Format("fld", Guid.Parse(key)),
                Mark = "deleted_at",
                Owner = ("database_table", "table_id"),
                FindObstaclesAsync = SchemaObstacles.OfFieldsAsync,
                ApplyBesideAsync = IndexAsync,
                WritePermission = Write,
                DeletePermission = Delete,
            },
            new KeptTable("data", "choice", "choice", "r.id = k.key::uuid", "label", "color")
            {
                IdOf = key => Ids.Format("cho", Guid.Parse(key)),
                Mark = "removed_at",
                Owner = ("field", "field_id"),
                FindObstaclesAsync = SchemaObstacles.OfChoicesAsync,
                WritePermission = Write,
                // Adding and removing choices are both updates of their field.
                DeletePermission = Write,
            },
            new KeptTable("data", "view", "view", "r.id = k.key::uuid", "name", "filter", "sorting", "fields", "updated_at", "updated_by")
            {
                IdOf = key => Ids.Format("view", Guid.Parse(key)),
                Mark = "deleted_at",
                Owner = ("database_table", "table_id"),
                FindObstaclesAsync = SchemaObstacles.OfViewsAsync,
                WritePermission = Write,
                DeletePermission = Delete,
            }
        );

    /// <summary>Takes the locks of all that the calls touched, databases before tables, in one order for all.</summary>
    /// <returns>The tables whose schema the calls changed.</returns>
    public static async Task<List<Guid>> LockAsync(WriteTransaction tx, string[] calls, IEnumerable<Guid> tablesOfRecords)
    {
        var databases = await tx.QueryAsync(FindDatabases, row => row.GetGuid(0), [calls]);
        await tx.ExecuteAsync(LockDatabases, [databases.ToArray()]);
        var tables = await tx.QueryAsync(FindTables, row => row.GetGuid(0), [calls]);
        foreach (var id in tables.Concat(tablesOfRecords).Distinct().Order())
        {
            await tx.ExecuteAsync(LockTable, id);
        }

        return tables;
    }

    /// <summary>What has to be there before records can come back.</summary>
    public static bool GoesBeforeRecords(RowPlan plan) =>
        plan is { Target: not null, Current: null, Table.Name: "database" or "database_table" };

    /// <summary>
    /// Lifts rules that go back as well. A value that such a rule forbids, such as one that records shared before a field became unique,
    /// can come back only after that.
    /// </summary>
    public static async Task LoosenAsync(WriteTransaction tx, RowUndoPlan plan)
    {
        var fields = plan.Wanted.Where(one => one is { Table.Name: "field", Current: not null, Target: not null }).ToList();
        foreach (var field in fields.Where(one => RowPlan.Value(one.Current, "max_length") != RowPlan.Value(one.Target, "max_length")))
        {
            await EarnedIndexes.DropOfAsync(tx, Guid.Parse(field.OwnerKey!), Guid.Parse(field.Key));
        }

        // A field that also gets a stricter rule may have to stay as it is, with all of its rules.
        foreach (var field in fields.Where(one => !SchemaObstacles.Tightens(one)))
        {
            await DropUniqueIndexAsync(tx, field);
            await tx.ExecuteAsync(Loosen, Guid.Parse(field.Key), field.Target);
        }
    }

    /// <summary>Makes every process read the schemas of these tables, and of those that link to them, again.</summary>
    public static async Task RenewAsync(WriteTransaction tx, IEnumerable<Guid> tables)
    {
        foreach (var id in tables)
        {
            await tx.BatchAsync(_ => Task.FromResult(0), Versions.Next(tx, id), Versions.OfLinked(id));
        }
    }

    private static async Task IndexAsync(WriteTransaction tx, IReadOnlyList<RowPlan> fields)
    {
        // The other fields lost their index when they were loosened.
        foreach (var field in fields.Where(one => one is { Current: not null, Target: not null } && SchemaObstacles.Tightens(one)))
        {
            await DropUniqueIndexAsync(tx, field);
        }

        foreach (var field in fields.Where(one => one.Current is not null && !IsUnique(one.Current) && IsUnique(one.Target)))
        {
            var id = Guid.Parse(field.Key);
            var table = TableSchema.QualifiedNameOf(tx.Call.WorkspaceId, Guid.Parse(field.OwnerKey!));
            var schema = new FieldSchema(id, "", FieldKind.Of(RowPlan.Value(field.Target, "type")!), FieldSchema.ColumnOf(id));
            await tx.BatchAsync(_ => Task.FromResult(0), TableEntry.Role(tx.Call.WorkspaceId), NewFields.UniqueIndex(table, schema));
            await tx.LeaveRoleAsync();
        }
    }

    // Only if the field will not be unique any more.
    private static async Task DropUniqueIndexAsync(WriteTransaction tx, RowPlan field)
    {
        if (IsUnique(field.Current) && !IsUnique(field.Target))
        {
            await tx.BatchAsync(
                _ => Task.FromResult(0),
                TableEntry.Role(tx.Call.WorkspaceId),
                NewFields.DropUniqueIndex(tx.Call.WorkspaceId, Guid.Parse(field.Key))
            );
            await tx.LeaveRoleAsync();
        }
    }

    private static bool IsUnique(string? field) => RowPlan.Value(field, "is_unique") == "True";
}
