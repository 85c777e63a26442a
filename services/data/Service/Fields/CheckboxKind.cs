using System.Text.Json;
using Npgsql;
using NpgsqlTypes;
using Platform.Data.Contracts.V1;

namespace Platform.Data.Service.Fields;

/// <summary>True, false, or not said. A filter for false finds what was never said as well: the box is not ticked.</summary>
internal sealed class CheckboxKind : FieldKind
{
    public static readonly CheckboxKind Instance = new();

    private static readonly FilterOperator[] _operators = [FilterOperator.Is, FilterOperator.IsEmpty];

    public override FieldType Type => FieldType.Checkbox;

    public override string ColumnType => "boolean";

    public override NpgsqlDbType Wire => NpgsqlDbType.Boolean;

    public override bool CanBePrimary => false;

    public override IReadOnlyList<FilterOperator> Operators => _operators;

    public override Parsed Parse(JsonElement json, FieldSchema field) =>
        json.ValueKind is JsonValueKind.True or JsonValueKind.False
            ? new Parsed(json.GetBoolean())
            : Parsed.Refused($"is {JsonText.Describe(json)}, not true or false", "Send true or false.");

    public override void Write(Utf8JsonWriter json, NpgsqlDataReader row, int ordinal, FieldSchema field) =>
        json.WriteBooleanValue(row.GetBoolean(ordinal));

    public override string CellHint => "A cell can also say yes or no, 1 or 0.";

    public override void WriteCell(Utf8JsonWriter json, string cell, FieldSchema field, CellFormat format)
    {
        switch (cell.Trim().ToUpperInvariant())
        {
            case "TRUE" or "YES" or "1":
                json.WriteBooleanValue(true);
                break;
            case "FALSE" or "NO" or "0":
                json.WriteBooleanValue(false);
                break;
            default:
                JsonText.Write(json, cell);
                break;
        }
    }

    public override string Compile(FilterOperator comparison, string column, Operands operands) =>
        comparison switch
        {
            FilterOperator.Is => Is(column, operands),
            _ => $"{column} is null",
        };

    public override SortingKey Sort(string column, FieldSchema field, QueryParameters parameters) =>
        new(column, $"{column}::text", "::boolean");

    // An index finds what is true. What is not true is either false or empty, so no single value finds it.
    private static string Is(string column, Operands operands)
    {
        if (!operands.Right(Operand))
        {
            return $"{column} is not true";
        }

        operands.Use = ShapeUse.Equal;
        return $"{column} is true";
    }

    private static Reading<bool> Operand(JsonElement json) =>
        json.ValueKind is JsonValueKind.True or JsonValueKind.False
            ? new Reading<bool>(json.GetBoolean())
            : Reading<bool>.Refused($"is {JsonText.Describe(json)}, not true or false", "Send true or false.");
}
