using System.Data;
using System.Text.Json;
using Platform.ServiceDefaults.State;

namespace Platform.Changes.Undo;

/// <summary>Whether a row can go back.</summary>
public enum RowFate
{
    /// <summary>It is still as the changes of the scope left it.</summary>
    CanGoBack,

    /// <summary>It is as it was before those changes: they were taken back already, or cancel each other out.</summary>
    IsBack,

    /// <summary>Others changed it since.</summary>
    ChangedSince,
}

/// <summary>What undo found out about one row. Images are JSON without the version; null means no row.</summary>
/// <param name="Current">The image of the row as it is now.</param>
/// <param name="Before">The image before the first change of the scope.</param>
/// <param name="After">The image after the last change of the scope.</param>
/// <param name="Target">
/// The image that it gets when it goes back: the one before the newest changes of the scope that no change of anybody else interrupts.
/// </param>
/// <param name="TurnedBy">The call of the scope that created or removed it, when one did.</param>
public sealed record RowPlan(
    KeptTable Table,
    string Key,
    string? Current,
    string? Before,
    string? After,
    string? Target,
    RowFate Fate,
    string? TurnedBy
)
{
    public string Id => Table.IdOf(Key);

    /// <summary>Whether it was created or removed with its owner: it shares the owner's fate and is not reported separately.</summary>
    public bool IsPart { get; private set; }

    /// <summary>What the row belongs to.</summary>
    public string? OwnerKey =>
        Table.Owner is { } owner && Value(Target ?? Current ?? After ?? Before, owner.Column) is { } key ? key : null;

    /// <summary>Whether going back means that the row is removed.</summary>
    public bool IsRemoval => Target is null && Table.InsteadOfRemoval is null;

    /// <summary>A value of an image, as text.</summary>
    public static string? Value(string? image, string column)
    {
        if (image is null)
        {
            return null;
        }

        using var row = JsonDocument.Parse(image);
        return row.RootElement.TryGetProperty(column, out var value) && value.ValueKind != JsonValueKind.Null ? value.ToString() : null;
    }

    internal static async Task<List<RowPlan>> FindAsync(WriteTransaction tx, IReadOnlyList<KeptTable> tables, string[] calls)
    {
        var plans = new List<RowPlan>();
        foreach (var table in tables)
        {
            string[] ignored = ["version", .. table.Ignored];
            var steps = await tx.QueryAsync(
                $"""
                select key, call_id, {Image(table, "before", 3)} as before, {Image(table, "after", 3)} as after
                from platform.row_change where call_id = any($1) and relation = $2 order by position
                """,
                row =>
                    (
                        Key: row.GetString("key"),
                        CallId: row.GetString("call_id"),
                        Before: row.IsDBNull("before") ? null : row.GetString("before"),
                        After: row.IsDBNull("after") ? null : row.GetString("after")
                    ),
                calls,
                table.Name,
                ignored
            );
            var byKey = steps
                .Where(step => step.Before != step.After)
                .GroupBy(step => step.Key)
                .OrderBy(group => group.Key, StringComparer.Ordinal)
                .ToList();
            if (byKey.Count == 0)
            {
                continue;
            }

            // The rows themselves are locked before they are compared. Keys are locked in order, owners first.
            var current = (
                await tx.QueryAsync(
                    $"""
                    select k.key, {Image(table, "to_jsonb(r)", 2)} as image
                    from unnest($1::text[]) as k(key) join {table.QualifiedName} r on {table.Match}
                    order by k.key for update of r
                    """,
                    row => (Key: row.GetString("key"), Image: row.IsDBNull("image") ? null : row.GetString("image")),
                    byKey.Select(group => group.Key).ToArray(),
                    ignored
                )
            ).ToDictionary(row => row.Key, row => row.Image);
            plans.AddRange(
                byKey.Select(group =>
                    Of(
                        table,
                        group.Key,
                        current.GetValueOrDefault(group.Key),
                        [.. group.Select(step => (step.CallId, step.Before, step.After))]
                    )
                )
            );
        }

        var turned = plans.Where(plan => plan.TurnedBy is not null).ToDictionary(plan => (plan.Table.Name, plan.Key));
        foreach (var plan in plans.Where(plan => plan is { TurnedBy: not null, OwnerKey: not null }))
        {
            plan.IsPart =
                turned.TryGetValue((plan.Table.Owner!.Value.Table, plan.OwnerKey!), out var owner)
                && owner.TurnedBy == plan.TurnedBy
                && (owner.Before is null) == (plan.Before is null);
        }

        return plans;
    }

    private static string Image(KeptTable table, string row, int parameter) =>
        table.Mark is null
            ? $"(({row}) - ${parameter}::text[])::text"
            : $"case when ({row}) ->> '{table.Mark}' is null then (({row}) - ${parameter}::text[])::text end";

    private static RowPlan Of(KeptTable table, string key, string? current, List<(string CallId, string? Before, string? After)> steps)
    {
        // From the newest change back, as long as no change of anybody else lies between two of them.
        var first = steps.Count - 1;
        while (first > 0 && steps[first - 1].After == steps[first].Before)
        {
            first--;
        }

        var (target, before, after) = (steps[first].Before, steps[0].Before, steps[^1].After);
        var fate =
            current == target || target is null && current is not null && table.IsTakenBack(current) ? RowFate.IsBack
            : current == after ? RowFate.CanGoBack
            : RowFate.ChangedSince;
        return new RowPlan(
            table,
            key,
            current,
            before,
            after,
            target,
            fate,
            before is null ? steps[0].CallId
                : after is null ? steps[^1].CallId
                : null
        );
    }
}
