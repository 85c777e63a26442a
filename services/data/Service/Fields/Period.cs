using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Platform.Data.Service.Fields;

/// <summary>
/// What a date operand means: the time from its first instant up to, not including, <paramref name="Until"/>, in UTC. A day is a period, a
/// week is a period, and an instant is a period of one microsecond, which is PostgreSQL's precision. So all of them compare the same way.
/// </summary>
internal readonly partial record struct Period(DateTime From, DateTime Until)
{
    private const string Known =
        "an ISO 8601 date (2026-05-01) or date-time with offset (2026-05-01T10:00:00Z), "
        + "PREDEFINED:TODAY, YESTERDAY, TOMORROW, THIS_/LAST_/PAST_/NEXT_ with WEEK, MONTH, QUARTER or YEAR, "
        + "<n>_DAYS_AGO, <n>_DAYS_FROM_NOW, "
        + "or RELATIVE_DATE:THIS|PAST|NEXT:DAY|WEEK|MONTH|QUARTER|YEAR|<days>";

    private const int MaxDays = 36_500;

    /// <summary>The last day there is has no next one.</summary>
    public bool IsOpen => Until == DateTime.MaxValue;

    public static Reading<Period> Read(JsonElement json, DateTimeOffset now)
    {
        if (!JsonText.TryGet(json, out var text, out var refusal))
        {
            return Reading<Period>.Refused(refusal.Rule!, $"Send {Known}.");
        }

        var period =
            text.StartsWith("PREDEFINED:", StringComparison.Ordinal) ? Predefined(text["PREDEFINED:".Length..], now.UtcDateTime.Date)
            : text.StartsWith("RELATIVE_DATE:", StringComparison.Ordinal) ? Relative(text["RELATIVE_DATE:".Length..], now.UtcDateTime.Date)
            : Absolute(text);
        return period is { } known ? new Reading<Period>(known) : Reading<Period>.Refused("is not a date", $"Send {Known}.");
    }

    private static Period? Absolute(string text)
    {
        if (DateKind.TryParse(text, out var date))
        {
            return Days(date.ToDateTime(TimeOnly.MinValue, DateTimeKind.Utc), 1);
        }

        return InstantKind.TryParse(text, out var instant) ? new Period(instant, instant.AddTicks(TimeSpan.TicksPerMicrosecond)) : null;
    }

    private static Period? Predefined(string token, DateTime today)
    {
        switch (token)
        {
            case "TODAY":
                return Days(today, 1);
            case "YESTERDAY":
                return Days(today.AddDays(-1), 1);
            case "TOMORROW":
                return Days(today.AddDays(1), 1);
        }

        if (InDays().Match(token) is { Success: true } days)
        {
            var count = int.Parse(days.Groups["n"].ValueSpan, CultureInfo.InvariantCulture);
            return count > MaxDays ? null : Days(today.AddDays(days.Groups["ago"].Success ? -count : count), 1);
        }

        return NamedUnit().Match(token) is { Success: true } named
            ? Unit(named.Groups["unit"].Value, Shift(named.Groups["which"].Value), today)
            : null;
    }

    private static Period? Relative(string text, DateTime today)
    {
        if (RelativeForm().Match(text) is not { Success: true } match)
        {
            return null;
        }

        var which = match.Groups["which"].Value;
        var what = match.Groups["what"].Value;
        if (!int.TryParse(what, NumberStyles.None, CultureInfo.InvariantCulture, out var days))
        {
            return Unit(what, Shift(which), today);
        }

        // So many days, of which today is one: PAST:7 is today and the six days before.
        return which == "THIS" || days is 0 or > MaxDays ? null
            : which == "PAST" ? Days(today.AddDays(1 - days), days)
            : Days(today, days);
    }

    private static int Shift(string which) =>
        which switch
        {
            "THIS" => 0,
            "NEXT" => 1,
            _ => -1,
        };

    private static Period? Unit(string unit, int shift, DateTime today)
    {
        switch (unit)
        {
            case "DAY":
                return Days(today.AddDays(shift), 1);
            case "WEEK":
                // ISO 8601: a week begins on Monday.
                return Days(today.AddDays(-(((int)today.DayOfWeek + 6) % 7) + 7 * shift), 7);
            case "MONTH":
                var month = new DateTime(today.Year, today.Month, 1, 0, 0, 0, DateTimeKind.Utc).AddMonths(shift);
                return new Period(month, month.AddMonths(1));
            case "QUARTER":
                var quarter = new DateTime(today.Year, (today.Month - 1) / 3 * 3 + 1, 1, 0, 0, 0, DateTimeKind.Utc).AddMonths(3 * shift);
                return new Period(quarter, quarter.AddMonths(3));
            case "YEAR":
                var year = new DateTime(today.Year + shift, 1, 1, 0, 0, 0, DateTimeKind.Utc);
                return new Period(year, year.AddYears(1));
            default:
                return null;
        }
    }

    private static Period Days(DateTime from, int count)
    {
        from = DateTime.SpecifyKind(from, DateTimeKind.Utc);
        var isLast = from > DateTime.MaxValue.AddDays(-count);
        return new Period(from, isLast ? DateTime.SpecifyKind(DateTime.MaxValue, DateTimeKind.Utc) : from.AddDays(count));
    }

    [GeneratedRegex(@"^(?<n>\d{1,6})_DAYS?_((?<ago>AGO)|FROM_NOW)\z", RegexOptions.CultureInvariant)]
    private static partial Regex InDays();

    [GeneratedRegex(@"^(?<which>THIS|LAST|PAST|NEXT)_(?<unit>WEEK|MONTH|QUARTER|YEAR)\z", RegexOptions.CultureInvariant)]
    private static partial Regex NamedUnit();

    [GeneratedRegex(@"^(?<which>THIS|PAST|NEXT):(?<what>DAY|WEEK|MONTH|QUARTER|YEAR|\d{1,6})\z", RegexOptions.CultureInvariant)]
    private static partial Regex RelativeForm();
}
