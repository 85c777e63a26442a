using Platform.Data.Service.Fields;
using Platform.Data.Service.Schemas;

namespace Platform.Data.Service.Queries;

/// <summary>A field of a search, by id or the name of what every record has, and what is done with it.</summary>
internal readonly record struct ShapePart(string Field, ShapeUse Use)
{
    public static ShapePart Of(FieldSchema field, ShapeUse use) => new(field.Id == Guid.Empty ? field.Name : field.Key, use);

    public static ShapePart Parse(string text) =>
        text.Split(' ') is [var field, var use]
            ? new ShapePart(field, Enum.Parse<ShapeUse>(use))
            : throw new FormatException($"{text} is not a part of a shape.");

    public bool IsSort => Use is ShapeUse.Ascending or ShapeUse.Descending;

    /// <summary>Null when it is gone.</summary>
    public FieldSchema? In(TableSchema table) => table.FindAny(Field);

    public override string ToString() => $"{Field} {Use}";
}

/// <summary>
/// What searches have in common that one index can serve: fields, not values. The order of compared fields does not matter; the order of
/// sorted ones does.
/// </summary>
internal sealed class SearchShape
{
    // Far more than an index holds. Such a search is not counted.
    private const int MaxParts = 12;

    private SearchShape(IReadOnlyList<ShapePart> parts) => (Parts, Text) = (parts, string.Join(", ", parts));

    public IReadOnlyList<ShapePart> Parts { get; }

    public string Text { get; }

    /// <summary>Null when no index could serve the search, or the table's primary key does.</summary>
    public static SearchShape? Of(IEnumerable<ShapePart> compared, IEnumerable<ShapePart> sorting)
    {
        ShapePart[] parts =
        [
            .. compared.Distinct().OrderBy(part => part.Use).ThenBy(part => part.Field, StringComparer.Ordinal),
            .. sorting,
        ];
        return parts.Length is 0 or > MaxParts || parts is [{ IsSort: true, Field: "id" }] ? null : new SearchShape(parts);
    }

    public static SearchShape Parse(string text) => new([.. text.Split(", ").Select(ShapePart.Parse)]);
}
