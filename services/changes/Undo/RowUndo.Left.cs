using System.Data;
using Google.Protobuf.WellKnownTypes;
using Platform.Changes.Contracts.V1;
using Platform.Contracts;
using Platform.ServiceDefaults.State;

namespace Platform.Changes.Undo;

/// <summary>Which rows are left alone, and why.</summary>
public sealed partial class RowUndo
{
    private const string FindLastOther = """
        select distinct on (key) key, actor, changed_at, call_id from platform.row_change
        where relation = $1 and key = any($2) and call_id <> all($3) and before - $4::text[] is distinct from after - $4::text[]
        order by key, position desc
        """;

    /// <summary>Who changed rows last, by key. Changes by these calls, and changes of ignored columns alone, do not count.</summary>
    public static async Task<IReadOnlyDictionary<string, LastChange>> FindLastOthersAsync(
        WriteTransaction tx,
        string table,
        string[] keys,
        string[] calls,
        params string[] ignored
    ) =>
        (
            await tx.QueryAsync(
                FindLastOther,
                row => (Key: row.GetString("key"), Change: LastChange.Read(row)),
                table,
                keys,
                calls,
                ignored
            )
        ).ToDictionary(one => one.Key, one => one.Change);

    private static async Task LeaveChangedAsync(WriteTransaction tx, List<RowPlan> plans, string[] calls, UndoReport report)
    {
        foreach (var changed in plans.Where(plan => plan.Fate == RowFate.ChangedSince && IsReported(plan)).GroupBy(plan => plan.Table))
        {
            var last = await FindLastOthersAsync(
                tx,
                changed.Key.Name,
                changed.Select(plan => plan.Key).ToArray(),
                calls,
                [.. changed.Key.Ignored]
            );
            foreach (var plan in changed)
            {
                var left = Alone(plan, Reasons.ChangedSince, plan.Current is null ? "It is gone." : "Somebody changed it since.");
                if (last.TryGetValue(plan.Key, out var other))
                {
                    (left.ChangedBy, left.ChangedAt, left.CallId) = (other.By, Timestamp.FromDateTime(other.At), other.CallId);
                }

                report.Left(left);
            }
        }
    }

    // An undo writes and may delete, so it needs the permissions for both.
    private static void LeaveForbidden(WriteTransaction tx, List<RowPlan> wanted, UndoReport report)
    {
        foreach (var plan in wanted.ToList())
        {
            var permissions = tx.Call.Caller.Permissions;
            var missing =
                !permissions.Contains(plan.Table.WritePermission) ? plan.Table.WritePermission
                : (plan.IsRemoval || plan.Current is null) && !permissions.Contains(plan.Table.DeletePermission)
                    ? plan.Table.DeletePermission
                : null;
            if (missing is not null)
            {
                wanted.Remove(plan);
                if (IsReported(plan))
                {
                    report.Left(Alone(plan, Reasons.PermissionDenied, $"Taking this back needs the permission {missing}."));
                }
            }
        }
    }

    private async Task LeaveUsedAsync(WriteTransaction tx, List<RowPlan> wanted, UndoReport report)
    {
        foreach (var table in tables)
        {
            foreach (var (owned, column, key) in table.Owned)
            {
                var removed = wanted.Where(plan => plan.Table == table && plan.IsRemoval).ToDictionary(plan => plan.Key);
                if (removed.Count == 0)
                {
                    continue;
                }

                var going = wanted.Where(plan => plan.Table.Name == owned && plan.Target is null).Select(plan => plan.Key).ToArray();
                var used = await tx.QueryAsync(
                    $"""
                    select distinct c.{column}::text as key from {table.Schema}.{owned} c
                    where c.{column}::text = any($1) and {key} <> all($2)
                    """,
                    row => row.GetString("key"),
                    removed.Keys.ToArray(),
                    going
                );
                foreach (var plan in used.Select(one => removed[one]))
                {
                    wanted.Remove(plan);
                    report.Left(Alone(plan, Reasons.ChangedSince, $"It has {owned} rows now that do not come from these changes."));
                }
            }
        }
    }

    // A row stays if its owner stays, and an owner stays if one of its parts or users stays. This repeats until no more rows follow.
    private async Task LeaveObstructedAsync(WriteTransaction tx, List<RowPlan> wanted, UndoReport report)
    {
        for (var again = true; again; )
        {
            again = false;
            foreach (var table in tables.Where(table => table.FindObstaclesAsync is not null).Reverse())
            {
                var ofTable = wanted.Where(plan => plan.Table == table).ToList();
                foreach (var obstacle in ofTable.Count == 0 ? [] : await table.FindObstaclesAsync!(tx, ofTable, wanted))
                {
                    if (wanted.Remove(obstacle.Plan))
                    {
                        again = true;
                        if (IsReported(obstacle.Plan))
                        {
                            report.Left(Alone(obstacle));
                        }
                    }
                }
            }

            again |=
                wanted.RemoveAll(plan =>
                    plan is { IsPart: true, IsRemoval: true }
                    && !wanted.Any(owner =>
                        owner.IsRemoval && owner.Table.Name == plan.Table.Owner!.Value.Table && owner.Key == plan.OwnerKey
                    )
                ) > 0;
        }
    }

    private static LeftAlone Alone(Obstacle obstacle)
    {
        var left = Alone(obstacle.Plan, obstacle.Reason, obstacle.Why);
        (left.ChangedBy, left.CallId) = (obstacle.By, obstacle.CallId);
        left.ChangedAt = obstacle.At is { } at ? Timestamp.FromDateTime(at) : null;
        return left;
    }

    private static LeftAlone Alone(RowPlan plan, string reason, string why) =>
        new()
        {
            Kind = plan.Table.Kind,
            Id = plan.Id,
            Reason = reason,
            Why = why,
        };
}
