using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Npgsql;
using NpgsqlTypes;
using Platform.Data.Contracts.V1;

namespace Platform.Data.Service.Fields;

/// <summary>
/// A decimal number, kept digit by digit: it is never a double here. Many clients read JSON numbers as doubles, so a number that a double
/// would change travels as text, both ways.
/// </summary>
internal sealed partial class NumberKind : FieldKind
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

    public override bool IsNeverFormula => true;

    public override string CellHint => "decimal names the decimal mark of the file.";

    public override Parsed Parse(JsonElement json, FieldSchema field)
    {
        var reading = Operand(json);
        if (reading.Rule is not null)
        {
            return Parsed.Refused(reading.Rule, reading.Fix!);
        }

        var (_, decimals) = DigitsOf(reading.Value!);
        return decimals > field.Precision
            ? Parsed.Refused($"has {decimals} decimal places", $"Send at most {field.Precision}.")
            : new Parsed(reading.Value);
    }

    public override string Select(string column) => $"{column}::text";

    public override void Write(Utf8JsonWriter json, NpgsqlDataReader row, int ordinal, FieldSchema field)
    {
        var text = row.GetString(ordinal);
        if (Decimals.FitsDouble(text))
        {
            json.WriteRawValue(text, skipInputValidation: true);
        }
        else
        {
            json.WriteStringValue(text);
        }
    }

    public override void WriteCell(Utf8JsonWriter json, string cell, FieldSchema field, CellFormat format) =>
        JsonText.Write(json, format.Number(cell) ?? "not a number");

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
                var (lower, upper) = operands.Bounds(Operand, (lower, upper) => Decimals.Compare(lower, upper) > 0);
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

    // A number, or a text that is written like one.
    private static Reading<string> Operand(JsonElement json)
    {
        string text;
        if (json.ValueKind == JsonValueKind.Number)
        {
            text = json.GetRawText();
        }
        else if (!JsonText.TryGet(json, out text, out _) || !JsonNumber().IsMatch(text))
        {
            var what = json.ValueKind == JsonValueKind.String ? "is not a number" : $"is {JsonText.Describe(json)}, not a number";
            return Reading<string>.Refused(what, "Send a number such as 1234.5.");
        }

        var (whole, decimals) = DigitsOf(text);
        if (whole > MaxDigits || decimals > MaxDigits)
        {
            return Reading<string>.Refused(
                "has too many digits",
                $"Send at most {MaxDigits} digits before and {MaxDigits} after the decimal point."
            );
        }

        // Many clients have changed such a number before it came here, and nobody can tell.
        return json.ValueKind == JsonValueKind.Number && !Decimals.FitsDouble(text)
            ? Reading<string>.Refused("is beyond 2^53 or has more digits than a JSON number keeps", "Send it as text, in quotes.")
            : new Reading<string>(text);
    }

    [GeneratedRegex(@"^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?\z", RegexOptions.CultureInvariant)]
    private static partial Regex JsonNumber();

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
