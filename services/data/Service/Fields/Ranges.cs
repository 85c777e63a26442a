using System.Text.Json;

namespace Platform.Data.Service.Fields;

/// <summary>
/// The operators of everything that lies in time. All of them are made of two conditions: not before an instant, and before an instant.
/// </summary>
internal static class Ranges
{
    public static IReadOnlyList<FilterOperator> Operators { get; } =
    [
        FilterOperator.Is,
        FilterOperator.GreaterThan,
        FilterOperator.GreaterThanOrEquals,
        FilterOperator.LessThan,
        FilterOperator.LessThanOrEquals,
        FilterOperator.IsBetween,
        FilterOperator.IsWithin,
        FilterOperator.IsOneOf,
        FilterOperator.IsEmpty,
    ];

    public static string Compile(
        FilterOperator comparison,
        string column,
        Operands operands,
        Func<JsonElement, Reading<Period>> read,
        Func<DateTime, string> from,
        Func<DateTime, string> before
    )
    {
        operands.Use = comparison is FilterOperator.IsEmpty or FilterOperator.IsOneOf ? null : ShapeUse.Range;
        switch (comparison)
        {
            case FilterOperator.IsEmpty:
                return $"{column} is null";
            case FilterOperator.IsOneOf:
                var periods = operands.Items(read);
                return periods.Count == 0 ? "false" : $"({string.Join(" or ", periods.Select(Inside))})";
            case FilterOperator.IsBetween:
            case FilterOperator.IsWithin when !operands.HasRight:
                var (lower, upper) = operands.Bounds(read, (lower, upper) => lower.From >= upper.Until);
                return Inside(lower with { Until = upper.Until });
        }

        var period = operands.Right(read);
        return comparison switch
        {
            FilterOperator.GreaterThan => from(period.Until),
            FilterOperator.GreaterThanOrEquals => from(period.From),
            FilterOperator.LessThan => before(period.From),
            FilterOperator.LessThanOrEquals => before(period.Until),
            _ => Inside(period),
        };

        string Inside(Period of) => $"({from(of.From)} and {before(of.Until)})";
    }
}
