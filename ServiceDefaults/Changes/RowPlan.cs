using Platform.ServiceDefaults.State;

namespace Platform.ServiceDefaults.Changes;

internal enum RowFate
{
    /// <summary>It is as the changes meant left it, and can go back.</summary>
    CanGoBack,

    /// <summary>It is as it was before them, because they were taken back or cancel out.</summary>
    IsBack,

    /// <summary>Others changed it since.</summary>
    ChangedSince,
}

/// <summary>What became of one row, and what can be taken back. Images are JSON without the version; null: no row.</summary>
internal sealed record RowPlan(KeptTable Table, string Key, string? Current, string? Before, string? After, string? Target, RowFate Fate)
{
    // The rows themselves are locked before they are compared. Keys are locked in order, owners first.
    private const string FindSteps = """
        select relation, key, (before - 'version')::text, (after - 'version')::text from platform.row_change
        where call_id = any($1) order by position
        """;

    public string Id => Table.IdOf(Key);

    public static async Task<List<RowPlan>> FindAsync(WriteTransaction tx, IReadOnlyList<KeptTable> tables, string[] calls)
    {
        var steps = (await tx.QueryAsync(FindSteps, row => (
                Table: row.GetString(0), Key: row.GetString(1), Before: row.IsDBNull(2) ? null : row.GetString(2), After: row.IsDBNull(3) ? null : row.GetString(3)),
            [calls])).ToLookup(step => step.Table);
        var plans = new List<RowPlan>();
        foreach (var table in tables)
        {
            var byKey = steps[table.Name].GroupBy(step => step.Key).OrderBy(group => group.Key, StringComparer.Ordinal).ToList();
            if (byKey.Count == 0)
            {
                continue;
            }

            var current = (await tx.QueryAsync(
                $"select k.key, (to_jsonb(r) - 'version')::text from unnest($1::text[]) as k(key) join {table.QualifiedName} r on {table.Match} order by k.key for update of r",
                row => (Key: row.GetString(0), Image: row.GetString(1)), [byKey.Select(group => group.Key).ToArray()])).ToDictionary(row => row.Key, row => row.Image);
            plans.AddRange(byKey.Select(group => Of(table, group.Key, current.GetValueOrDefault(group.Key), [.. group.Select(step => (step.Before, step.After))])));
        }

        return plans;
    }

    private static RowPlan Of(KeptTable table, string key, string? current, List<(string? Before, string? After)> steps)
    {
        // Newest first, as far as nobody else's change lies between.
        var first = steps.Count - 1;
        while (first > 0 && steps[first - 1].After == steps[first].Before)
        {
            first--;
        }

        var (target, before, after) = (steps[first].Before, steps[0].Before, steps[^1].After);
        var fate = current == target || target is null && current is not null && table.IsTakenBack(current) ? RowFate.IsBack
            : current == after ? RowFate.CanGoBack
            : RowFate.ChangedSince;
        return new RowPlan(table, key, current, before, after, target, fate);
    }
}
