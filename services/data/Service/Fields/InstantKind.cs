using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Npgsql;
using NpgsqlTypes;
using Platform.Data.Contracts.V1;

namespace Platform.Data.Service.Fields;

/// <summary>A moment (type date_time): sent with any offset, kept and answered in UTC, exact to the microsecond.</summary>
internal partial class InstantKind : FieldKind
{
    public static readonly InstantKind Instance = new();

    public override FieldType Type => FieldType.DateTime;

    public override string ColumnType => "timestamptz";

    public override NpgsqlDbType Wire => NpgsqlDbType.TimestampTz;

    public override bool CanBeUnique => true;

    public override IReadOnlyList<FilterOperator> Operators => Ranges.Operators;

    public override Parsed Parse(JsonElement json, FieldSchema field)
    {
        if (!JsonText.TryGet(json, out var text, out var refusal))
        {
            return refusal;
        }

        return TryParse(text, out var instant)
            ? new Parsed(instant)
            : Parsed.Refused(
                "is not a date-time with offset, exact to the microsecond at most",
                "Send an ISO 8601 date-time such as 2026-05-01T10:00:00Z or 2026-05-01T12:00:00.123456+02:00."
            );
    }

    public override string Label(string column) => $"to_char({column} at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')";

    public override void Write(Utf8JsonWriter json, NpgsqlDataReader row, int ordinal, FieldSchema field) =>
        json.WriteStringValue(row.GetDateTime(ordinal));

    public override string CellHint =>
        "timeZone names the zone of times without offset, dateOrder the order of days, months and years in the file.";

    public override void WriteCell(Utf8JsonWriter json, string cell, FieldSchema field, CellFormat format) =>
        JsonText.Write(json, format.Instant(cell));

    public override string Compile(FilterOperator comparison, string column, Operands operands) =>
        Ranges.Compile(
            comparison,
            column,
            operands,
            json => Period.Read(json, operands.Now),
            from => $"{column} >= {operands.Parameters.Add(NpgsqlDbType.TimestampTz, from)}",
            until => $"{column} < {operands.Parameters.Add(NpgsqlDbType.TimestampTz, until)}"
        );

    public override SortingKey Sort(string column, FieldSchema field, QueryParameters parameters) =>
        new(column, $"to_char({column} at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')", "::timestamptz");

    public static bool TryParse(string text, out DateTime instant)
    {
        instant = default;
        if (
            !Form().IsMatch(text)
            || !DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.None, out var parsed)
            || parsed.UtcDateTime < _earliest
        )
        {
            return false;
        }

        instant = parsed.UtcDateTime;
        return true;
    }

    // The very first instant of .NET is minus infinity to Npgsql.
    private static readonly DateTime _earliest = new(1, 1, 2, 0, 0, 0, DateTimeKind.Utc);

    [GeneratedRegex(@"^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{1,6}0{0,3})?)?([Zz]|[+-]\d\d:\d\d)\z", RegexOptions.CultureInvariant)]
    private static partial Regex Form();
}
