using System.Text.Json;
using Npgsql;
using NpgsqlTypes;
using Platform.Data.Contracts.V1;

namespace Platform.Data.Service.Fields;

/// <summary>One of the field's choices. The column keeps its id, so that a label can change.</summary>
internal sealed class SelectKind : FieldKind
{
    public static readonly SelectKind Instance = new();

    private static readonly FilterOperator[] _operators =
    [
        FilterOperator.Is,
        FilterOperator.IsOneOf,
        FilterOperator.Contains,
        FilterOperator.StartsWith,
        FilterOperator.EndsWith,
        FilterOperator.IsEmpty,
    ];

    public override FieldType Type => FieldType.Select;

    public override string ColumnType => "uuid";

    public override NpgsqlDbType Wire => NpgsqlDbType.Uuid;

    public override bool HasChoices => true;

    public override bool CanMatch => true;

    public override IReadOnlyList<FilterOperator> Operators => _operators;

    public override Parsed Parse(JsonElement json, FieldSchema field)
    {
        var reading = Find(json, field);
        return reading.Rule is null ? new Parsed(reading.Value!.Id) : Parsed.Refused(reading.Rule, reading.Fix!);
    }

    public override void Write(Utf8JsonWriter json, NpgsqlDataReader row, int ordinal, FieldSchema field) =>
        WriteChoice(json, row.GetGuid(ordinal), field);

    // A label begins and ends with no white space, but cells do.
    public override void WriteCell(Utf8JsonWriter json, string cell, FieldSchema field, CellFormat format) =>
        JsonText.Write(json, field.FindChoice(cell) is null ? cell.Trim() : cell);

    public override string? TextOfLabel(string label, FieldSchema field) => field.FindChoice(label)?.Id.ToString();

    public override string LabelOf(string text, FieldSchema field) =>
        field.FindChoice(Guid.Parse(text))?.Label ?? throw new StaleSchemaException();

    public override string LabelContains(string column, FieldSchema field, Operands operands) =>
        $"{column} = any({operands.Parameters.AddIds(WithLabel(FilterOperator.Contains, operands, field))})";

    public override string Compile(FilterOperator comparison, string column, Operands operands)
    {
        if (comparison == FilterOperator.IsEmpty)
        {
            return $"{column} is null";
        }

        Guid[] ids =
        [
            .. (
                comparison switch
                {
                    FilterOperator.Is => operands.Right(json => Find(json, operands.Field)) is { } choice ? [choice.Id] : [],
                    FilterOperator.IsOneOf => operands.Items(json => Find(json, operands.Field)).Select(choice => choice.Id),
                    _ => WithLabel(comparison, operands),
                }
            ).Distinct(),
        ];

        // "One of" with a single choice is an equality: only then can an index on the field also give another order.
        operands.Use = ids.Length == 1 ? ShapeUse.Equal : ShapeUse.Range;
        return ids.Length == 1
            ? $"{column} = {operands.Parameters.Add(NpgsqlDbType.Uuid, ids[0])}"
            : $"{column} = any({operands.Parameters.AddIds(ids)})";
    }

    // In the order of the choices, as a person arranged them.
    public override SortingKey Sort(string column, FieldSchema field, QueryParameters parameters)
    {
        var position = $"array_position({parameters.AddIds(field.Choices.Select(choice => choice.Id))}, {column})";
        return new SortingKey(position, $"{position}::text", "::int");
    }

    /// <summary>By label or id.</summary>
    internal static Reading<ChoiceSchema> Find(JsonElement json, FieldSchema field)
    {
        if (!JsonText.TryGet(json, out var text, out var refusal))
        {
            return Reading<ChoiceSchema>.Refused(refusal.Rule!, refusal.Fix!);
        }

        return field.FindChoice(text) is { } choice
            ? new Reading<ChoiceSchema>(choice)
            : Reading<ChoiceSchema>.Refused("is not a choice of the field", $"Use one of: {KnownChoices(field)}.");
    }

    /// <summary>The choices whose label matches, whatever its case.</summary>
    internal static IEnumerable<Guid> WithLabel(FilterOperator comparison, Operands operands, FieldSchema? field = null)
    {
        var text = operands.Needle();
        return (field ?? operands.Field)
            .Choices.Where(choice =>
                comparison switch
                {
                    FilterOperator.StartsWith => choice.Label.StartsWith(text, StringComparison.OrdinalIgnoreCase),
                    FilterOperator.EndsWith => choice.Label.EndsWith(text, StringComparison.OrdinalIgnoreCase),
                    _ => choice.Label.Contains(text, StringComparison.OrdinalIgnoreCase),
                }
            )
            .Select(choice => choice.Id);
    }

    internal static void WriteChoice(Utf8JsonWriter json, Guid id, FieldSchema field)
    {
        // A choice that another process added a moment ago is not known yet; the caller of the writer looks again.
        if (field.FindChoice(id) is not { } choice)
        {
            throw new StaleSchemaException();
        }

        JsonText.Write(json, choice.Label);
    }

    private static string KnownChoices(FieldSchema field) =>
        field.Choices.Count == 0
            ? "(none yet)"
            : string.Join(", ", field.Choices.Take(40).Select(choice => choice.Label))
                + (field.Choices.Count > 40 ? ", … (see list_fields)" : "");
}
