using System.Text.Json;
using Npgsql;
using NpgsqlTypes;
using Platform.Data.Contracts.V1;

namespace Platform.Data.Service.Fields;

/// <summary>Any of the field's choices, each at most once, in the order given. None at all is empty.</summary>
internal sealed class MultiSelectKind : FieldKind
{
    public static readonly MultiSelectKind Instance = new();

    private static readonly FilterOperator[] _operators =
    [
        FilterOperator.Is,
        FilterOperator.HasAnyOf,
        FilterOperator.HasAllOf,
        FilterOperator.Contains,
        FilterOperator.IsEmpty,
    ];

    public override FieldType Type => FieldType.MultiSelect;

    public override string ColumnType => "uuid[]";

    // An array of arrays must be rectangular, so that each record's choices travel as text.
    public override NpgsqlDbType Wire => NpgsqlDbType.Text;

    public override string Cast => "::uuid[]";

    public override bool HasChoices => true;

    public override bool IsList => true;

    public override bool CanBePrimary => false;

    public override IReadOnlyList<FilterOperator> Operators => _operators;

    public override Parsed Parse(JsonElement json, FieldSchema field)
    {
        if (json.ValueKind != JsonValueKind.Array)
        {
            return Parsed.Refused($"is {JsonText.Describe(json)}, not an array", "Send an array of choices.");
        }

        var (ids, seen) = (new List<Guid>(), new HashSet<Guid>());
        foreach (var item in json.EnumerateArray())
        {
            var reading = SelectKind.Find(item, field);
            if (reading.Rule is not null)
            {
                return Parsed.Refused($"[{ids.Count}] {reading.Rule}", reading.Fix!);
            }

            if (!seen.Add(reading.Value!.Id))
            {
                return Parsed.Refused($"names {reading.Value.Label} twice", "Name every choice once.");
            }

            ids.Add(reading.Value.Id);
        }

        return ids.Count == 0 ? Parsed.Empty : new Parsed($"{{{string.Join(',', ids)}}}");
    }

    public override void Write(Utf8JsonWriter json, NpgsqlDataReader row, int ordinal, FieldSchema field)
    {
        json.WriteStartArray();
        foreach (var id in row.GetFieldValue<Guid[]>(ordinal))
        {
            SelectKind.WriteChoice(json, id, field);
        }

        json.WriteEndArray();
    }

    public override string ToCell(JsonElement value) => CellItems.Join(value.EnumerateArray().Select(item => item.GetString()!));

    // People write a label that holds a separator without quotes. It is one choice if it would be refused otherwise.
    public override void WriteCell(Utf8JsonWriter json, string cell, FieldSchema field, CellFormat format)
    {
        var items = CellItems.Split(cell);
        var isOne = !field.AllowNewChoices && items.Any(item => field.FindChoice(item) is null) && field.FindChoice(cell) is not null;
        WriteItems(json, isOne ? [cell] : items);
    }

    public override string Compile(FilterOperator comparison, string column, Operands operands)
    {
        switch (comparison)
        {
            case FilterOperator.Is:
                var same = Choices(operands);
                return $"({column} @> {same} and {column} <@ {same})";
            case FilterOperator.HasAnyOf:
                return $"{column} && {Choices(operands)}";
            case FilterOperator.HasAllOf:
                return $"{column} @> {Choices(operands)}";
            case FilterOperator.Contains:
                // Any number of labels can match. && compares each with each choice of the record; this looks each choice up.
                var ids = operands.Parameters.AddIds(SelectKind.WithLabel(comparison, operands));
                return $"exists (select from unnest({column}) as c(id) where c.id = any({ids}))";
            default:
                return $"{column} is null";
        }
    }

    // By the first choice.
    public override SortingKey Sort(string column, FieldSchema field, QueryParameters parameters) =>
        SelectKind.Instance.Sort($"{column}[1]", field, parameters);

    private static string Choices(Operands operands) =>
        operands.Parameters.AddIds(operands.Items(json => SelectKind.Find(json, operands.Field)).Select(choice => choice.Id));
}
