namespace Platform.Data.Service.Fields;

/// <summary>When a value that is stored breaks a rule of its field: conditions over its column.</summary>
internal static class FieldRules
{
    public static string IsMissing(string column) => $"{column} is null";

    public static string IsLonger(string column, int length) => $"length({column}) > {length}";

    public static string HasMoreDecimals(string column, int precision) => $"min_scale({column}) > {precision}";

    public static string HoldsSeveral(string column) => $"cardinality({column}) > 1";
}
