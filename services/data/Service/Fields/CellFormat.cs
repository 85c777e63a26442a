using System.Globalization;
using System.Text.RegularExpressions;

namespace Platform.Data.Service.Fields;

/// <summary>How the cells of a file write numbers and dates. A cell that does not fit stays as it is, and is refused as a value.</summary>
/// <param name="Decimal">The decimal mark; null for numbers as JSON writes them.</param>
/// <param name="DateOrder">DMY, MDY or YMD; empty for ISO 8601 alone.</param>
/// <param name="Zone">Of date-times without offset; null when there must be an offset.</param>
internal sealed partial record CellFormat(char? Decimal, string DateOrder, TimeZoneInfo? Zone)
{
    /// <summary>
    /// A number as JSON writes it. Null where the file has a decimal mark and the cell is not written with it: 1.5 is not a number in a
    /// file that writes 1,5.
    /// </summary>
    public string? Number(string cell)
    {
        var text = cell.Trim();
        if (Decimal is not { } mark)
        {
            return text;
        }

        if (!(mark == ',' ? CommaNumber() : PointNumber()).IsMatch(text))
        {
            return null;
        }

        var sign = text[0] == '-' ? "-" : "";
        var parts = text.Split(mark);
        var whole = string.Concat(parts[0].Where(char.IsAsciiDigit)).TrimStart('0');
        return sign + (whole.Length == 0 ? "0" : whole) + (parts.Length > 1 ? "." + parts[1] : "");
    }

    /// <summary>A date as ISO 8601 writes it.</summary>
    public string Date(string cell) =>
        DateOrder.Length > 0 && AnyDate().Match(cell.Trim()) is { Success: true } date && date.Length == cell.Trim().Length
            ? Iso(date) ?? cell
            : cell;

    /// <summary>A date-time as ISO 8601 writes it, with offset.</summary>
    public string Instant(string cell)
    {
        var text = cell.Trim();
        if (DateOrder.Length > 0 && AnyDate().Match(text) is { Success: true } date && Iso(date) is { } iso)
        {
            text = iso + text[date.Length..];
        }

        // A time that a clock showed twice or never, when it was put back or forward, stays as it is.
        if (
            Zone is null
            || LocalTime().Match(text) is not { Success: true } time
            || !DateTime.TryParse(time.Groups["time"].ValueSpan, CultureInfo.InvariantCulture, DateTimeStyles.None, out var local)
            || Zone.IsInvalidTime(local)
            || Zone.IsAmbiguousTime(local)
        )
        {
            return text;
        }

        var offset = Zone.GetUtcOffset(local);
        return local.ToString("yyyy-MM-ddTHH:mm:ss", CultureInfo.InvariantCulture)
            + $"{time.Groups["fraction"].Value}{(offset < TimeSpan.Zero ? '-' : '+')}{offset:hh\\:mm}";
    }

    private string? Iso(Match date)
    {
        var parts = DateOrder.Zip(date.Groups.Values.Skip(1).Select(group => group.Value)).ToDictionary();
        return parts['Y'].Length == 4 ? $"{parts['Y']}-{parts['M'].PadLeft(2, '0')}-{parts['D'].PadLeft(2, '0')}" : null;
    }

    [GeneratedRegex(@"^[+-]?([0-9]{1,3}([. '’\u00a0\u202f][0-9]{3})+|[0-9]+)(,[0-9]+)?\z", RegexOptions.CultureInvariant)]
    private static partial Regex CommaNumber();

    [GeneratedRegex(@"^[+-]?([0-9]{1,3}([, '’\u00a0\u202f][0-9]{3})+|[0-9]+)(\.[0-9]+)?\z", RegexOptions.CultureInvariant)]
    private static partial Regex PointNumber();

    [GeneratedRegex(@"^([0-9]{1,4})[./-]([0-9]{1,2})[./-]([0-9]{1,4})(?![0-9])", RegexOptions.CultureInvariant)]
    private static partial Regex AnyDate();

    [GeneratedRegex(
        @"^(?<time>[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{1,2}:[0-9]{2}(:[0-9]{2})?)(?<fraction>\.[0-9]+)?\z",
        RegexOptions.CultureInvariant
    )]
    private static partial Regex LocalTime();
}
