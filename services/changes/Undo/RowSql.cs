namespace Platform.Changes.Undo;

/// <summary>The statements that write rows back.</summary>
internal static class RowSql
{
    private const string Given = "unnest($1::text[], $2::text[]) as k(key, image)";

    /// <summary>A statement with the parameters $1, the keys, and $2, the images to write.</summary>
    public static string Of(KeptTable table, string how) =>
        how switch
        {
            "removed" when table.Mark is { } mark => $"update {table.QualifiedName} r set {mark} = now() from {Given} where {table.Match}",
            "removed" => $"delete from {table.QualifiedName} r using {Given} where {table.Match}",
            "restored" when table.Mark is null => $"insert into {table.QualifiedName} select p.* from {Images(table, Restored(table))}",
            "revoked" => Update(table, table.InsteadOfRemoval!),
            _ => Update(table, "k.image::jsonb"),
        };

    private static string Update(KeptTable table, string image)
    {
        var assignments = Updated(table).Select(column => $"{column} = k.{column}");
        if (table.HasVersion)
        {
            assignments = assignments.Append("version = r.version + 1");
        }

        var columns = Updated(table).Select(column => "p." + column);
        return $"""
            update {table.QualifiedName} r set {string.Join(", ", assignments)}
            from (select k.key, {string.Join(", ", columns)} from {Images(table, image)}) k where {table.Match}
            """;
    }

    private static IEnumerable<string> Updated(KeptTable table) => table.Mark is { } mark ? table.Updatable.Append(mark) : table.Updatable;

    private static string Images(KeptTable table, string image) =>
        $"{Given} cross join lateral jsonb_populate_record(null::{table.QualifiedName}, {image}) as p";

    // An image has no version. A row that comes back counts on from the last version that was stored of it.
    private static string Restored(KeptTable table) =>
        table.HasVersion ? $"k.image::jsonb || jsonb_build_object('version', {LastVersion(table)} + 1)" : "k.image::jsonb";

    private static string LastVersion(KeptTable table) =>
        $"(select max((c.before ->> 'version')::bigint) from platform.row_change c where c.relation = '{table.Name}' and c.key = k.key)";
}
