using Platform.Contracts;
using Platform.Data.Contracts.Events;
using Platform.Data.Service.Fields;
using Platform.Data.Service.Schemas;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;
using Field = Platform.Data.Contracts.V1.Field;

namespace Platform.Data.Service.Tables;

/// <summary>
/// Link fields that a caller defines. Each also creates a field in the other table, its inverse, which shows the same links from there.
/// </summary>
internal sealed class NewLinks
{
    private const string LockTable = "select data.begin_schema_change($1)";

    private const string LastPosition = "select coalesce(max(position), -1) from data.field where table_id = $1";

    private readonly List<(TableSchema Table, FieldSchema Field)> _inverses = [];
    private readonly Dictionary<Guid, TableSchema> _tables = [];

    /// <summary>The other tables, which are stale when the change has committed.</summary>
    public IEnumerable<Guid> Tables => _tables.Keys;

    /// <summary>Takes the locks that definitions need, the table's own included, in one order for all.</summary>
    /// <exception cref="Grpc.Core.RpcException">INVALID_ARGUMENT: a link leads to a table that does not exist.</exception>
    public static async Task<NewLinks> BeginAsync(WriteTransaction tx, Guid? tableId, IReadOnlyList<(Field Field, string Path)> definitions)
    {
        var links = new NewLinks();
        var linked = definitions
            .Where(one => FieldKind.Find(one.Field.Type) is { HasLinks: true })
            .Select(one => (one.Path, Id: Ids.TryParse("tbl", one.Field.LinkTableId, out var id) ? id : throw Unknown(one.Path)))
            .ToList();
        foreach (var id in linked.Select(one => one.Id).Concat(tableId is { } own ? [own] : []).Distinct().Order())
        {
            await tx.ExecuteAsync(LockTable, id);
        }

        foreach (var (path, id) in linked)
        {
            if (!links._tables.ContainsKey(id))
            {
                links._tables[id] = await TableSchemas.LoadAsync(tx, id) ?? throw Unknown(path);
            }
        }

        return links;
    }

    /// <summary>Both sides of a link as they will be.</summary>
    /// <param name="definition">What the caller wants.</param>
    /// <param name="path">Where it stands in the request.</param>
    /// <param name="tableId">The table that keeps the links.</param>
    /// <param name="tableName">Its name.</param>
    /// <param name="databaseId">Its database.</param>
    /// <param name="primary">The field that names its records.</param>
    /// <param name="workspaceId">The workspace of both.</param>
    /// <exception cref="Grpc.Core.RpcException">INVALID_ARGUMENT: the inverse has no name of its own.</exception>
    public FieldSchema Define(
        Field definition,
        string path,
        Guid tableId,
        string tableName,
        Guid databaseId,
        FieldSchema primary,
        Guid workspaceId
    )
    {
        var other = _tables[Ids.TryParse("tbl", definition.LinkTableId, out var otherId) ? otherId : default];
        if (other.DatabaseId != databaseId)
        {
            throw Unknown(path);
        }

        var name = definition.LinkField.Length > 0 ? definition.LinkField : tableName;
        var taken = other
            .Fields.Select(field => field.Name)
            .Concat(_inverses.Where(one => one.Table == other).Select(one => one.Field.Name))
            .Concat(other.Id == tableId ? [definition.Name] : [])
            .Contains(name, StringComparer.OrdinalIgnoreCase);
        if (taken || SystemFields.Names.Contains(name))
        {
            throw Problem.Invalid(
                $"{path}.linkField",
                $"{name} is a field of {other.Name} already",
                $"Name the field that {other.Name} gets in linkField."
            );
        }

        if (other.Fields.Count + _inverses.Count(one => one.Table == other) >= NewFields.MaxFields)
        {
            throw Problem.Conflict(
                Reasons.TooManyFields,
                $"{other.Name} has {NewFields.MaxFields} fields, which is the most.",
                "Link to another table."
            );
        }

        var (id, inverseId) = (Ids.New(), Ids.New());
        var kind = FieldKind.Find(definition.Type)!;
        _inverses.Add(
            (
                other,
                new FieldSchema(
                    inverseId,
                    name,
                    kind.LinkedTo(
                        new LinkTarget(
                            tableId,
                            tableName,
                            TableSchema.QualifiedNameOf(workspaceId, tableId),
                            primary,
                            id,
                            definition.Name,
                            IsInverse: true,
                            definition.Single
                        )
                    ),
                    FieldSchema.ColumnOf(inverseId)
                )
            )
        );
        return new FieldSchema(
            id,
            definition.Name,
            kind.LinkedTo(
                new LinkTarget(
                    other.Id,
                    other.Name,
                    other.QualifiedName,
                    other.PrimaryField,
                    inverseId,
                    name,
                    IsInverse: false,
                    definition.Single
                )
            ),
            FieldSchema.ColumnOf(id)
        )
        {
            Description = definition.Description,
            Required = definition.Required,
        };
    }

    /// <summary>Writes the inverses, once the fields they belong to are written, and tells of them.</summary>
    public async Task InsertInversesAsync(WriteTransaction tx)
    {
        foreach (var (table, field) in _inverses)
        {
            var position = await tx.ScalarAsync<int>(LastPosition, table.Id) + 1;
            await tx.BatchAsync(_ => Task.FromResult(0), [.. NewFields.Insert(tx, table.Id, field, position), Versions.Next(tx, table.Id)]);
            tx.Announce(
                new FieldCreated(tx.NewEventId(), tx.Call.WorkspaceId, tx.Now, table.Key, field.Key, field.Name, field.Kind.Name),
                "field.created",
                new Target("field", field.Key),
                new Target("table", table.Key)
            );
        }
    }

    private static Grpc.Core.RpcException Unknown(string path) =>
        Problem.Invalid($"{path}.linkTableId", "is not a table of this database", "Use an id from list_tables, of the same database.");
}
