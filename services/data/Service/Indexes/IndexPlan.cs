using Platform.Data.Service.Fields;
using Platform.Data.Service.Queries;
using Platform.Data.Service.Schemas;

namespace Platform.Data.Service.Indexes;

/// <summary>A column of an index.</summary>
/// <param name="Sql">Expression, direction and place of empty values, as the compiled search has them.</param>
/// <param name="Bytes">The most that a value takes.</param>
internal sealed record IndexKey(ShapePart Part, string Sql, int Bytes);

/// <summary>The index that serves a shape best.</summary>
internal static class IndexPlan
{
    // An entry of a B-tree must fit a third of a page, 2704 bytes with its header, or the record cannot be written.
    private const int MaxBytes = 2600;

    private static readonly ShapePart _id = new("id", ShapeUse.Ascending);

    /// <summary>
    /// Fields that are compared with one value come first. Where the search has an order of its own, the order comes next, and then the
    /// bounds: they are checked in the index, so no record is fetched in vain. A search in the order of ids has its bounds right behind the
    /// first fields, because the primary key serves that order whenever many records match.
    /// </summary>
    /// <returns>Null when there is none, or a unique index or the primary key serves.</returns>
    public static IReadOnlyList<IndexKey>? For(TableSchema table, SearchShape shape)
    {
        var parts = shape.Parts.Select(part => (Part: part, Field: part.In(table))).ToList();
        if (parts.Exists(one => one.Field is null || one.Part.Use == ShapeUse.Equal && (one.Field.Unique || one.Part.Field == "id")))
        {
            return null;
        }

        // createdAt is compared by the id. version is compared as a number, but its column is a bigint.
        var compared = parts
            .Where(one => !one.Part.IsSort && one.Part.Field is not ("createdAt" or "version"))
            .Select(one => KeyOf(one.Part, one.Field!)!)
            .ToList();
        var equal = compared.Where(key => key.Part.Use == ShapeUse.Equal).ToList();
        var ranges = compared
            .Where(key => key.Part.Use == ShapeUse.Range && !equal.Exists(same => same.Sql == key.Sql))
            .DistinctBy(key => key.Sql)
            .ToList();
        var sorting = parts.Where(one => one.Part.IsSort).ToList();
        var order = sorting.Select(one => KeyOf(one.Part, one.Field!)).TakeWhile(key => key is not null).Select(key => key!).ToList();
        var isComplete = order.Count == sorting.Count;
        var byId = isComplete && order.FindIndex(key => key.Part.Field == "id") == 0;
        order.RemoveAll(key => equal.Exists(same => same.Part.Field == key.Part.Field));
        if (isComplete && !order.Exists(key => key.Part.Field == "id"))
        {
            byId |= order.Count == 0;
            order.Add(KeyOf(_id, SystemFields.Id)!);
        }

        List<IndexKey> keys =
            order.Count == 0 || byId && ranges.Count > 0
                ? [.. equal, .. ranges]
                : [.. equal, .. order, .. ranges.Where(key => !order.Exists(sorted => sorted.Part.Field == key.Part.Field))];
        var bytes = 0;
        keys = [.. keys.TakeWhile(key => (bytes += key.Bytes) <= MaxBytes)];
        return keys.Count == 0 || keys[0].Part.Field == "id" ? null : keys;
    }

    /// <summary>The keys of an index that exists; null when a field of it is gone.</summary>
    public static IReadOnlyList<IndexKey>? Of(TableSchema table, IEnumerable<string> parts)
    {
        var keys = new List<IndexKey>();
        foreach (var part in parts.Select(ShapePart.Parse))
        {
            if (part.In(table) is not { } field || KeyOf(part, field) is not { } key)
            {
                return null;
            }

            keys.Add(key);
        }

        return keys;
    }

    /// <summary>Whether an index begins with all that another would have.</summary>
    public static bool Serves(IReadOnlyList<IndexKey> index, IReadOnlyList<IndexKey> wanted) =>
        index.Count >= wanted.Count && index.Zip(wanted).All(pair => pair.First.Sql == pair.Second.Sql);

    private static IndexKey? KeyOf(ShapePart part, FieldSchema field)
    {
        if (!part.IsSort)
        {
            return new IndexKey(part, $"({field.Kind.ComparedAs(field.Column, field)})", field.Kind.IndexBytes(field));
        }

        // An order that depends on values, such as the order of choices, changes with them: no index can have it.
        var parameters = new QueryParameters();
        var key = field.Kind.Sort(field.Column, field, parameters);
        return parameters.Values.Count > 0
            ? null
            : new IndexKey(part, $"({key.Sql}){key.Direction(part.Use == ShapeUse.Descending)}", field.Kind.IndexBytes(field));
    }
}
