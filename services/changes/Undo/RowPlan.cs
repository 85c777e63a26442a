using System.Text.Json;
using Platform.ServiceDefaults.State;

namespace Platform.Changes.Undo;

public enum RowFate
{
    /// <summary>It is as the changes meant left it, and can go back.</summary>
    CanGoBack,

    /// <summary>It is as it was before them, because they were taken back or cancel out.</summary>
    IsBack,

    /// <summary>Others changed it since.</summary>
    ChangedSince,
}

/// <summary>What became of one row, and what can be taken back. Images are JSON without the version; null: no row.</summary>
/// <param name="TurnedBy">The call that created or removed it, when the changes meant did.</param>
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

    /// <summary>Whether it came or went with its owner: it shares the owner's fate and is not told apart.</summary>
    public bool IsPart { get; private set; }

    /// <summary>What the row belongs to.</summary>
    public string? OwnerKey =>
        Table.Owner is { } owner && Value(Target ?? Current ?? After ?? Before, owner.Column) is { } key ? key : null;

    /// <summary>Whether taking back means that the row is gone.</summary>
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
            var byKey = (
                await tx.QueryAsync(
                    $"""
                    select key, call_id, {Image(table, "before", 3)}, {Image(table, "after", 3)} from platform.row_change
                    where call_id = any($1) and relation = $2 order by position
                    """,
                    row =>
                        (
                            Key: row.GetString(0),
                            CallId: row.GetString(1),
                            Before: row.IsDBNull(2) ? null : row.GetString(2),
                            After: row.IsDBNull(3) ? null : row.GetString(3)
                        ),
                    calls,
                    table.Name,
                    ignored
                )
            ).Where(step => step.Before != step.After).GroupBy(step => step.Key).OrderBy(group => group.Key, StringComparer.Ordinal).ToList();
            if (byKey.Count == 0)
            {
                continue;
            }

            // The rows themselves are locked before they are compared. Keys are locked in order, owners first.
            var current = (
                await tx.QueryAsync(
                    $"""
                    select k.key, {Image(
                        table,
                        "to_jsonb(r)",
                        2
                    )} from unnest($1::text[]) as k(key) join {table.QualifiedName} r on {table.Match}
                    order by k.key for update of r
                    """,
                    row => (Key: row.GetString(0), Image: row.IsDBNull(1) ? null : row.GetString(1)),
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
        // Newest first, as far as nobody else's change lies between.
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
