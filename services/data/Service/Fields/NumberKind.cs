using System.Globalization;
using System.Text.Json;
using Npgsql;
using NpgsqlTypes;
using Platform.Data.Contracts.V1;

namespace Platform.Data.Service.Fields;

/// <summary>A decimal number, kept digit by digit: it travels as text and is never a double.</summary>
internal sealed class NumberKind : FieldKind
{
    public static readonly NumberKind Instance = new();

    /// <summary>Digits before, and digits after the decimal point.</summary>
    private const int MaxDigits = 38;

    private static readonly FilterOperator[] _operators =
    [
        FilterOperator.Is,
        FilterOperator.GreaterThan,
        FilterOperator.GreaterThanOrEquals,
        FilterOperator.LessThan,
        FilterOperator.LessThanOrEquals,
        FilterOperator.IsBetween,
        FilterOperator.IsOneOf,
        FilterOperator.IsEmpty,
    ];

    public override FieldType Type => FieldType.Number;

    public override string ColumnType => "numeric";

    public override NpgsqlDbType Wire => NpgsqlDbType.Text;

    public override string Cast => "::numeric";

    public override bool CanBeUnique => true;

    public override bool HasPrecision => true;

    public override IReadOnlyList<FilterOperator> Operators => _operators;

    public override Parsed Parse(JsonElement json, FieldSchema field)
    {
        if (json.ValueKind != JsonValueKind.Number)
        {
            return Parsed.Refused($"is {JsonText.Describe(json)}, not a number", "Send a JSON number, without quotes.");
        }

        var text = json.GetRawText();
        var (whole, decimals) = DigitsOf(text);
        if (whole > MaxDigits || decimals > MaxDigits)
        {
            return Parsed.Refused(
                "has too many digits",
                $"Send at most {MaxDigits} digits before and {MaxDigits} after the decimal point."
            );
        }

        return decimals > field.Precision
            ? Parsed.Refused($"has {decimals} decimal places", $"Send at most {field.Precision}.")
            : new Parsed(text);
    }

    public override string Select(string column) => $"{column}::text";

    public override void Write(Utf8JsonWriter json, NpgsqlDataReader row, int ordinal, FieldSchema field) =>
        json.WriteRawValue(row.GetString(ordinal), skipInputValidation: true);

    public override void WriteCell(Utf8JsonWriter json, string cell, FieldSchema field)
    {
        if (IsNumber(cell))
        {
            json.WriteRawValue(cell);
        }
        else
        {
            json.WriteStringValue(cell);
        }
    }

    public override string Compile(FilterOperator comparison, string column, Operands operands)
    {
        operands.Use = comparison switch
        {
            FilterOperator.Is => ShapeUse.Equal,
            FilterOperator.IsEmpty => null,
            _ => ShapeUse.Range,
        };
        switch (comparison)
        {
            case FilterOperator.IsBetween:
                var (lower, upper) = operands.Bounds(Operand);
                return $"{column} between {operands.Parameters.AddText(lower)}::numeric and {operands.Parameters.AddText(upper)}::numeric";
            case FilterOperator.IsOneOf:
                var items = operands.Items(Operand);
                if (items.Count == 1)
                {
                    operands.Use = ShapeUse.Equal;
                    return $"{column} = {operands.Parameters.AddText(items[0])}::numeric";
                }

                return $"{column} = any({operands.Parameters.AddTexts(items)}::numeric[])";
            case FilterOperator.IsEmpty:
                return $"{column} is null";
            default:
                return $"{column} {Sign(comparison)} {operands.Parameters.AddText(operands.Right(Operand))}::numeric";
        }
    }

    public override SortingKey Sort(string column, FieldSchema field, QueryParameters parameters) =>
        new(column, $"{column}::text", "::numeric");

    private static string Sign(FilterOperator comparison) =>
        comparison switch
        {
            FilterOperator.GreaterThan => ">",
            FilterOperator.GreaterThanOrEquals => ">=",
            FilterOperator.LessThan => "<",
            FilterOperator.LessThanOrEquals => "<=",
            _ => "=",
        };

    private static Reading<string> Operand(JsonElement json)
    {
        if (json.ValueKind != JsonValueKind.Number)
        {
            return Reading<string>.Refused($"is {JsonText.Describe(json)}, not a number", "Send a JSON number, without quotes.");
        }

        var (whole, decimals) = DigitsOf(json.GetRawText());
        return whole > MaxDigits || decimals > MaxDigits
            ? Reading<string>.Refused(
                "has too many digits",
                $"Send at most {MaxDigits} digits before and {MaxDigits} after the decimal point."
            )
            : new Reading<string>(json.GetRawText());
    }

    private static bool IsNumber(string cell)
    {
        try
        {
            var reader = new Utf8JsonReader(System.Text.Encoding.UTF8.GetBytes(cell));
            return reader.Read() && reader.TokenType == JsonTokenType.Number && !reader.Read() && cell.Trim().Length == cell.Length;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    // The digits of a JSON number as it is written: 1.50e3 has four before the point, and none after it that count.
    private static (long Whole, long Decimals) DigitsOf(ReadOnlySpan<char> text)
    {
        text = text.TrimStart('-');
        var exponent = 0L;
        var e = text.IndexOfAny('e', 'E');
        if (e >= 0)
        {
            if (
                !long.TryParse(text[(e + 1)..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out exponent)
                || Math.Abs(exponent) > 1000
            )
            {
                return (long.MaxValue, 0);
            }

            text = text[..e];
        }

        var point = text.IndexOf('.');
        var whole = point < 0 ? text : text[..point];
        var fraction = point < 0 ? [] : text[(point + 1)..].TrimEnd('0');
        return (Math.Max(whole.TrimStart('0').Length + exponent, 0), Math.Max(fraction.Length - exponent, 0));
    }
}
