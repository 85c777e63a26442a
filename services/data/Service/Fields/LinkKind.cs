using System.Text.Json;
using Npgsql;
using NpgsqlTypes;
using Platform.Contracts;
using Platform.Data.Contracts.V1;
using Field = Platform.Data.Contracts.V1.Field;

namespace Platform.Data.Service.Fields;

/// <summary>
/// Records of another table. Links to deleted records stay, but nobody sees them until the record is restored. So a deletion changes only
/// one record, and undoing it brings the links back.
/// </summary>
internal sealed class LinkKind(LinkTarget? target) : FieldKind
{
    /// <summary>For definitions, which link to nothing yet.</summary>
    public static readonly LinkKind Unbound = new(null);

    private const int IdLength = 36;

    private static readonly FilterOperator[] _operators =
    [
        FilterOperator.Is,
        FilterOperator.HasAnyOf,
        FilterOperator.HasAllOf,
        FilterOperator.Contains,
        FilterOperator.IsEmpty,
    ];

    private LinkTarget Target => target ?? throw new InvalidOperationException("The kind is of a definition.");

    public override FieldType Type => FieldType.Link;

    public override string ColumnType => "uuid[]";

    public override NpgsqlDbType Wire => NpgsqlDbType.Text;

    public override string Cast => "::uuid[]";

    public override bool CanBePrimary => false;

    public override bool CanSort => false;

    public override bool IsList => true;

    public override bool HasLinks => true;

    public override LinkTarget? Link => target;

    public override bool HasColumn => target is not { IsInverse: true };

    public override IReadOnlyList<FilterOperator> Operators => _operators;

    private string Others => $"{Target.QualifiedName} o";

    // On the inverse side: the column of the other table that keeps the links.
    private string OtherColumn => $"o.{Target.OtherColumn}";

    private string OtherLabel => Target.Primary.Kind.ShortLabel(OtherPrimary);

    private string OtherPrimary => $"o.{Target.Primary.Column}";

    public override FieldKind LinkedTo(LinkTarget target) => new LinkKind(target);

    public override void Describe(Field field)
    {
        field.LinkTableId = Ids.Format("tbl", Target.TableId);
        field.LinkField = Target.FieldName;
        field.Single = IsSingle;
        field.Inverse = Target.IsInverse;
    }

    public override string? FirstIndex(string column) => HasColumn ? $"using gin ({column})" : null;

    public override Parsed Parse(JsonElement json, FieldSchema field)
    {
        var ids = new List<Guid>();
        foreach (var item in json.ValueKind == JsonValueKind.Array ? json.EnumerateArray().ToArray() : [json])
        {
            if (item.ValueKind == JsonValueKind.Object && item.TryGetProperty("more", out _))
            {
                return Parsed.Refused("does not name all of its links", Target.ChangedThere);
            }

            if (ids.Count == LinkTarget.MaxLinks)
            {
                return Parsed.Refused($"names {json.GetArrayLength()} records", $"Send at most {LinkTarget.MaxLinks}.");
            }

            // A link is read as an object with id and label; that object can be sent as well.
            var reading = RecordIdKind.ReadId(item.ValueKind == JsonValueKind.Object && item.TryGetProperty("id", out var id) ? id : item);
            if (reading.Rule is not null)
            {
                return Parsed.Refused($"[{ids.Count}] {reading.Rule}", reading.Fix!);
            }

            if (ids.Contains(reading.Value))
            {
                return Parsed.Refused($"names {Ids.Format("rec", reading.Value)} twice", "Name every record once.");
            }

            ids.Add(reading.Value);
        }

        return ids.Count switch
        {
            0 => Parsed.Empty,
            > 1 when IsSingle => Parsed.Refused($"names {ids.Count} records, but the field holds one", "Send one id."),
            _ => new Parsed(LinkTarget.Value(ids)),
        };
    }

    public override string Select(string column) =>
        Target.IsInverse
            ? $"(select array_agg(l.item order by l.id) from (select o.id, {Item} as item from {Others} "
                + $"where {OtherColumn} @> array[r.id] and o.deleted_at is null order by o.id limit {LinkTarget.MaxLinks + 1}) l)"
            : $"(select array_agg({Item} order by l.n) from unnest({column}) with ordinality as l(id, n) "
                + $"join {Others} on o.id = l.id and o.deleted_at is null)";

    private string Item => $"o.id::text || coalesce(' ' || {OtherLabel}, '')";

    public override void Write(Utf8JsonWriter json, NpgsqlDataReader row, int ordinal, FieldSchema field)
    {
        var items = row.GetFieldValue<string[]>(ordinal);
        json.WriteStartArray();
        foreach (var item in items.Take(LinkTarget.MaxLinks))
        {
            json.WriteStartObject();
            json.WriteString("id", Ids.Format("rec", Guid.Parse(item.AsSpan(0, IdLength))));
            json.WritePropertyName("label");
            if (item.Length > IdLength)
            {
                JsonText.Write(json, Target.Primary.Kind.LabelOf(item[(IdLength + 1)..], Target.Primary));
            }
            else
            {
                json.WriteNullValue();
            }

            json.WriteEndObject();
        }

        // An inverse side can have any number of links.
        if (items.Length > LinkTarget.MaxLinks)
        {
            json.WriteStartObject();
            json.WriteBoolean("more", true);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    // The links are cut off behind the last one that shows: an ellipsis stands for the rest.
    public override string ToCell(JsonElement value) =>
        CellItems.Join(value.EnumerateArray().Select(item => item.TryGetProperty("id", out var id) ? id.GetString()! : "…"));

    public override void WriteCell(Utf8JsonWriter json, string cell, FieldSchema field, CellFormat format) =>
        WriteItems(json, CellItems.Split(cell));

    public override string Compile(FilterOperator comparison, string column, Operands operands)
    {
        switch (comparison)
        {
            case FilterOperator.IsEmpty:
                return $"not {Exists(column, "")}";
            case FilterOperator.Contains:
                return Exists(column, $" and {Target.Primary.Kind.LabelContains(OtherPrimary, Target.Primary, operands)}");
        }

        var items = operands.Items(RecordIdKind.ReadId).Distinct().Order().ToList();
        var ids = operands.Parameters.AddIds(items);
        var any = Target.IsInverse
            ? $"r.id = any(array(select unnest({OtherColumn}) from {Others} where o.id = any({ids}) and o.deleted_at is null))"
            : $"{column} && array(select o.id from {Others} where o.id = any({ids}) and o.deleted_at is null)";
        var live = Target.IsInverse
            ? $"select o.id from {Others} where {OtherColumn} @> array[r.id] and o.deleted_at is null"
            : $"select o.id from {Others} where o.id = any({column}) and o.deleted_at is null";
        return comparison switch
        {
            FilterOperator.HasAnyOf => any,
            FilterOperator.HasAllOf => $"({any} and array({live}) @> {ids})",
            _ => $"({any} and array({live} order by o.id) = array(select x from unnest({ids}) x order by x))",
        };
    }

    public override SortingKey Sort(string column, FieldSchema field, QueryParameters parameters) =>
        throw new NotSupportedException("Links have no order.");

    // From the other side, a hash join over all links is faster than one look-up per record.
    private string Exists(string column, string condition) =>
        Target.IsInverse
            ? $"exists (select from (select unnest({OtherColumn}) as id from {Others} where o.deleted_at is null{condition}) l "
                + "where l.id = r.id)"
            : $"exists (select from {Others} where o.id = any({column}) and o.deleted_at is null{condition})";
}
