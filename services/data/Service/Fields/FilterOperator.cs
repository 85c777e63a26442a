namespace Platform.Data.Service.Fields;

/// <summary>The filter operators that are not the negation of another one.</summary>
internal enum FilterOperator
{
    Is,
    GreaterThan,
    GreaterThanOrEquals,
    LessThan,
    LessThanOrEquals,
    Contains,
    StartsWith,
    EndsWith,
    IsOneOf,
    HasAnyOf,
    HasAllOf,
    IsEmpty,
    IsBetween,
    IsWithin,
}

/// <summary>What a condition with an operator must hold beside it.</summary>
internal enum FilterShape
{
    Composite,
    Unary,
    Binary,
    Ternary,
}

/// <summary>An operator as the API spells it.</summary>
/// <param name="IsNegated">True for everything that <paramref name="Operator"/> does not hold for, empty values included.</param>
internal sealed record NamedOperator(string Name, FilterOperator Operator, bool IsNegated, FilterShape Shape)
{
    public const string And = "AND";
    public const string Or = "OR";

    private static readonly NamedOperator[] _all =
    [
        new("IS", FilterOperator.Is, false, FilterShape.Binary),
        new("IS_NOT", FilterOperator.Is, true, FilterShape.Binary),
        new("GREATER_THAN", FilterOperator.GreaterThan, false, FilterShape.Binary),
        new("GREATER_THAN_OR_EQUALS", FilterOperator.GreaterThanOrEquals, false, FilterShape.Binary),
        new("LESS_THAN", FilterOperator.LessThan, false, FilterShape.Binary),
        new("LESS_THAN_OR_EQUALS", FilterOperator.LessThanOrEquals, false, FilterShape.Binary),
        new("CONTAINS", FilterOperator.Contains, false, FilterShape.Binary),
        new("DOES_NOT_CONTAIN", FilterOperator.Contains, true, FilterShape.Binary),
        new("STARTS_WITH", FilterOperator.StartsWith, false, FilterShape.Binary),
        new("DOES_NOT_START_WITH", FilterOperator.StartsWith, true, FilterShape.Binary),
        new("ENDS_WITH", FilterOperator.EndsWith, false, FilterShape.Binary),
        new("DOES_NOT_END_WITH", FilterOperator.EndsWith, true, FilterShape.Binary),
        new("IS_ONE_OF", FilterOperator.IsOneOf, false, FilterShape.Binary),
        new("IS_NOT_ONE_OF", FilterOperator.IsOneOf, true, FilterShape.Binary),
        new("HAS_ANY_OF", FilterOperator.HasAnyOf, false, FilterShape.Binary),
        new("HAS_ALL_OF", FilterOperator.HasAllOf, false, FilterShape.Binary),
        new("HAS_NONE_OF", FilterOperator.HasAnyOf, true, FilterShape.Binary),
        new("IS_EMPTY", FilterOperator.IsEmpty, false, FilterShape.Unary),
        new("IS_NOT_EMPTY", FilterOperator.IsEmpty, true, FilterShape.Unary),
        new("IS_BETWEEN", FilterOperator.IsBetween, false, FilterShape.Ternary),
        new("IS_NOT_BETWEEN", FilterOperator.IsBetween, true, FilterShape.Ternary),
        new("IS_WITHIN", FilterOperator.IsWithin, false, FilterShape.Ternary),
        new("IS_NOT_WITHIN", FilterOperator.IsWithin, true, FilterShape.Ternary),
    ];

    private static readonly Dictionary<string, NamedOperator> _byName = _all.ToDictionary(named => named.Name, StringComparer.Ordinal);

    public static IReadOnlyList<NamedOperator> All => _all;

    public static string KnownNames { get; } = string.Join(", ", _all.Select(named => named.Name).Prepend(Or).Prepend(And));

    public static NamedOperator? Find(string name) => _byName.GetValueOrDefault(name);

    /// <summary>The names of all operators that work with these.</summary>
    public static string NamesOf(IEnumerable<FilterOperator> operators)
    {
        var supported = operators.ToHashSet();
        return string.Join(", ", _all.Where(named => supported.Contains(named.Operator)).Select(named => named.Name));
    }
}
