using System.Text.Json;
using Google.Protobuf;
using Platform.Contracts;
using Platform.Data.Service.Fields;
using Platform.Data.Service.Schemas;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Data.Service.Records;

/// <summary>
/// Reads the values of records that a caller sends, as one column of values for each field that any record names. All broken rules of all
/// records are collected before the call is refused.
/// </summary>
internal sealed class RecordValues
{
    private readonly TableSchema _table;
    private readonly int _count;
    private readonly Dictionary<FieldSchema, object?[]> _columns = [];
    private readonly Dictionary<FieldSchema, bool[]> _given = [];
    private readonly List<Violation> _violations = [];
    private readonly HashSet<(int Index, FieldSchema Field)> _refused = [];
    private int _violationCount;

    private readonly Func<int, string> _pathOf;
    private bool _linksAreKnown;
    private bool _areCells;

    private RecordValues(TableSchema table, int count, Func<int, string> pathOf)
    {
        _table = table;
        _pathOf = pathOf;
        _count = count;
    }

    /// <summary>The fields that were named, in the table's order, each with a value or null for every record.</summary>
    public IEnumerable<(FieldSchema Field, object?[] Values)> Columns => Named.Where(column => column.Field.Kind.HasColumn);

    /// <summary>The same of those whose links another table keeps.</summary>
    public IEnumerable<(FieldSchema Field, object?[] Values)> Inverses => Named.Where(column => !column.Field.Kind.HasColumn);

    public bool Any => _columns.Count > 0;

    private IEnumerable<(FieldSchema Field, object?[] Values)> Named =>
        _table.Fields.Where(_columns.ContainsKey).Select(one => (one, _columns[one]));

    /// <summary>Values of new records: required fields must be there, unique values must differ.</summary>
    /// <param name="table">Whose records.</param>
    /// <param name="records">A JSON object each.</param>
    /// <param name="pathOf">The path of a record's values as the caller spelled it.</param>
    /// <param name="fromCells">Whether the values were cells of a file.</param>
    /// <exception cref="Grpc.Core.RpcException">INVALID_ARGUMENT with every violation.</exception>
    public static RecordValues OfNew(TableSchema table, IReadOnlyList<Json> records, Func<int, string> pathOf, bool fromCells = false)
    {
        var values = Read(table, records, pathOf, fromCells);
        values.CheckRequired(pathOf);
        values.CheckDistinct(pathOf);
        return values.Checked();
    }

    /// <summary>Values that replace some of the records'.</summary>
    public static RecordValues OfChange(TableSchema table, IReadOnlyList<Json> records, Func<int, string> pathOf)
    {
        var values = Read(table, records, pathOf);
        foreach (var column in values.Columns.Where(column => column.Field.Required).ToList())
        {
            for (var i = 0; i < records.Count; i++)
            {
                if (values.IsGiven(column.Field, i) && column.Values[i] is null)
                {
                    values.Refuse($"{pathOf(i)}.{column.Field.Name}", "is required and cannot be cleared", "Send a value.");
                }
            }
        }

        values.CheckDistinct(pathOf);
        return values.Checked();
    }

    /// <summary>Values whose records are told apart by some of their fields: those must be there.</summary>
    public static RecordValues OfKeyed(
        TableSchema table,
        IReadOnlyList<Json> records,
        IReadOnlyList<FieldSchema> keys,
        Func<int, string> pathOf
    )
    {
        var values = Read(table, records, pathOf);
        foreach (var key in keys)
        {
            for (var i = 0; i < records.Count; i++)
            {
                if (values._columns.GetValueOrDefault(key)?[i] is null && !values._refused.Contains((i, key)))
                {
                    values.Refuse($"{pathOf(i)}.{key.Name}", "is empty, but records are matched by it", "Send a value.");
                }
            }
        }

        return values.Checked();
    }

    /// <summary>Links that were worked out, of so many records; <see cref="Set"/> gives them.</summary>
    public static RecordValues OfLinks(TableSchema table, int count) => new(table, count, _ => "") { _linksAreKnown = true };

    public void Set(FieldSchema field, int index, object? value)
    {
        if (!_columns.TryGetValue(field, out var column))
        {
            _columns.Add(field, column = new object?[_count]);
            _given.Add(field, new bool[_count]);
        }

        _given[field][index] = true;
        column[index] = value;
    }

    /// <summary>Whether a record names a field, be it to clear it.</summary>
    public bool IsGiven(FieldSchema field, int index) => _given[field][index];

    /// <summary>Which records name a field.</summary>
    public bool[] GivenOf(FieldSchema field) => _given[field];

    public object?[] Of(FieldSchema field) => _columns[field];

    /// <summary>Refuses links to what is not a record of the linked table. Comes and goes as the application role.</summary>
    /// <exception cref="Grpc.Core.RpcException">INVALID_ARGUMENT with every such link.</exception>
    public async Task CheckLinksAsync(WriteTransaction tx)
    {
        var links = Columns.Where(column => column.Field.Kind.HasLinks && column.Values.Any(value => value is not null)).ToList();
        if (_linksAreKnown || links.Count == 0)
        {
            return;
        }

        var missing = await tx.BatchAsync(
            async reader =>
            {
                var found = new List<HashSet<Guid>>();
                foreach (var _ in links)
                {
                    await reader.NextResultAsync();
                    var ids = new HashSet<Guid>();
                    while (await reader.ReadAsync())
                    {
                        ids.Add(reader.GetGuid(0));
                    }

                    found.Add(ids);
                }

                return found;
            },
            [
                TableEntry.Role(tx.Call.WorkspaceId),
                .. links.Select(link => new Statement(
                    "select x.id from unnest($1) as x(id) where not exists "
                        + $"(select from {link.Field.Kind.Link!.QualifiedName} o where o.id = x.id and o.deleted_at is null)",
                    link.Values.OfType<object>().SelectMany(LinkTarget.IdsOf).Distinct().ToArray()
                )),
                new Statement("set local role none"),
            ]
        );
        foreach (var ((field, column), unknown) in links.Zip(missing))
        {
            for (var i = 0; i < _count && unknown.Count > 0; i++)
            {
                foreach (var id in (column[i] is { } value ? LinkTarget.IdsOf(value) : []).Where(unknown.Contains))
                {
                    RefuseUnknown(field, i, id);
                }
            }
        }

        Checked();
    }

    private static RecordValues Read(TableSchema table, IReadOnlyList<Json> records, Func<int, string> pathOf, bool fromCells = false)
    {
        var values = new RecordValues(table, records.Count, pathOf) { _areCells = fromCells };
        for (var i = 0; i < records.Count; i++)
        {
            values.ReadRecord(i, records[i].Utf8, pathOf(i));
        }

        return values;
    }

    private void ReadRecord(int index, ByteString utf8, string path)
    {
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(utf8.Memory, new JsonDocumentOptions { MaxDepth = 8 });
        }
        catch (JsonException)
        {
            Refuse(path, "is not JSON, or nested too deeply", "Send a JSON object of values by field name or id.");
            return;
        }

        using (document)
        {
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                Refuse(path, "is not an object", "Send a JSON object of values by field name or id.");
                return;
            }

            var seen = new HashSet<FieldSchema>();
            foreach (var property in document.RootElement.EnumerateObject())
            {
                ReadValue(index, property, path, seen);
            }
        }
    }

    private void ReadValue(int index, JsonProperty property, string path, HashSet<FieldSchema> seen)
    {
        if (!TryGetName(property, out var name) || _table.Find(name) is not { } field)
        {
            Refuse($"{path}.{name}", "is not a field of the table", _table.KnownFields(withSystem: false));
            return;
        }

        if (!seen.Add(field))
        {
            Refuse($"{path}.{name}", $"gives {field.Name} twice", "Give every field once, by name or by id.");
            return;
        }

        var parsed =
            property.Value.ValueKind == JsonValueKind.Null
            || property.Value.ValueKind == JsonValueKind.String && property.Value.ValueEquals("")
                ? Parsed.Empty
            : _areCells ? field.Kind.Parse(property.Value, field)
            : field.Kind.Read(property.Value, field);
        if (parsed.Rule is not null)
        {
            Refuse($"{path}.{name}", parsed.Rule, _areCells ? $"{parsed.Fix} {field.Kind.CellHint}".TrimEnd() : parsed.Fix!);
            _refused.Add((index, field));
            return;
        }

        Set(field, index, parsed.Value);
    }

    // A name with half a surrogate pair is not text, and so not a field.
    private static bool TryGetName(JsonProperty property, out string name)
    {
        try
        {
            name = property.Name;
            return true;
        }
        catch (InvalidOperationException)
        {
            name = "(not Unicode)";
            return false;
        }
    }

    private void CheckRequired(Func<int, string> pathOf)
    {
        foreach (var field in _table.Fields.Where(field => field.Required))
        {
            var column = _columns.GetValueOrDefault(field);
            for (var i = 0; i < _count; i++)
            {
                // A value that was refused is reported once.
                if (column?[i] is null && !_refused.Contains((i, field)))
                {
                    Refuse($"{pathOf(i)}.{field.Name}", "is required", "Send a value.");
                }
            }
        }
    }

    private void CheckDistinct(Func<int, string> pathOf)
    {
        foreach (var (field, column) in Columns.Where(column => column.Field.Unique))
        {
            var first = new Dictionary<object, int>();
            for (var i = 0; i < _count; i++)
            {
                if (column[i] is { } value && field.Kind.KeyOf(value) is var key && !first.TryAdd(key, i))
                {
                    Refuse(
                        $"{pathOf(i)}.{field.Name}",
                        $"has the value of {pathOf(first[key])}.{field.Name}",
                        "The field is unique: send every value once."
                    );
                }
            }
        }
    }

    /// <summary>Refuses a link to what is not a record of the linked table.</summary>
    public void RefuseUnknown(FieldSchema field, int index, Guid id) =>
        Refuse(
            field,
            index,
            $"{RecordIds.Format(id)} is not a record of {field.Kind.Link!.TableName}",
            $"Use ids of records of {field.Kind.Link!.TableName}, from search_records."
        );

    /// <summary>Notes that a record's value breaks a rule; <see cref="Checked"/> tells.</summary>
    public void Refuse(FieldSchema field, int index, string rule, string fix) => Refuse($"{_pathOf(index)}.{field.Name}", rule, fix);

    /// <exception cref="Grpc.Core.RpcException">INVALID_ARGUMENT with every violation noted so far.</exception>
    public RecordValues Checked() => _violationCount == 0 ? this : throw Problem.Invalid(_violations, _violationCount);

    private void Refuse(string path, string rule, string fix)
    {
        // The rest is counted only: an import can break a rule in each of its cells.
        if (++_violationCount <= ViolationText.MaxTold)
        {
            _violations.Add(
                new Violation
                {
                    Field = path,
                    Rule = rule,
                    Fix = fix,
                }
            );
        }
    }
}
