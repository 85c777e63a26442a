using System.Globalization;
using System.Text.Json;
using Npgsql;
using NpgsqlTypes;
using Platform.Data.Contracts.V1;

namespace Platform.Data.Service.Fields;

/// <summary>
/// A calendar day without time and zone. It travels as ISO text: Npgsql turns the first and the last day of its own type into infinity.
/// </summary>
internal sealed class DateKind : FieldKind
{
    public static readonly DateKind Instance = new();

    public override FieldType Type => FieldType.Date;

    public override string ColumnType => "date";

    public override NpgsqlDbType Wire => NpgsqlDbType.Text;

    public override string Cast => "::date";

    public override bool CanBeUnique => true;

    public override IReadOnlyList<FilterOperator> Operators => Ranges.Operators;

    public override Parsed Parse(JsonElement json, FieldSchema field)
    {
        if (!JsonText.TryGet(json, out var text, out var refusal))
        {
            return refusal;
        }

        return TryParse(text, out _) ? new Parsed(text) : Parsed.Refused("is not a date", "Send an ISO 8601 date such as 2026-05-01.");
    }

    public override string Select(string column) => $"to_char({column}, 'YYYY-MM-DD')";

    public override void Write(Utf8JsonWriter json, NpgsqlDataReader row, int ordinal, FieldSchema field) =>
        json.WriteStringValue(row.GetString(ordinal));

    public override string CellHint => "dateOrder names the order of days, months and years in the file.";

    public override void WriteCell(Utf8JsonWriter json, string cell, FieldSchema field, CellFormat format) =>
        JsonText.Write(json, format.Date(cell));

    public override string Compile(FilterOperator comparison, string column, Operands operands) =>
        Ranges.Compile(
            comparison,
            column,
            operands,
            json => OnlyDays(Period.Read(json, operands.Now)),
            from => $"{column} >= {Day(from, operands)}",
            until => $"{column} < {Day(until, operands)}"
        );

    public override SortingKey Sort(string column, FieldSchema field, QueryParameters parameters) => new(column, Select(column), "::date");

    public static bool TryParse(string text, out DateOnly date) =>
        DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out date);

    private static Reading<Period> OnlyDays(Reading<Period> reading) =>
        reading.Rule is null
        && (reading.Value.From.TimeOfDay != TimeSpan.Zero || reading.Value.Until.TimeOfDay != TimeSpan.Zero && !reading.Value.IsOpen)
            ? Reading<Period>.Refused("is a moment, but the field holds days", "Send a date without time.")
            : reading;

    private static string Day(DateTime day, Operands operands)
    {
        var text = day == DateTime.MaxValue ? "infinity" : day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
        return $"{operands.Parameters.AddText(text)}::date";
    }
}
