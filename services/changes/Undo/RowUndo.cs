using Google.Protobuf.WellKnownTypes;
using Npgsql;
using Platform.Changes.Contracts;
using Platform.Changes.Contracts.V1;
using Platform.Contracts;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Changes.Undo;

/// <summary>Undo for tables whose rows are kept: a row goes back if it is as the changes meant left it.</summary>
/// <param name="tables">Owners before what they own.</param>
public sealed class RowUndo(params IReadOnlyList<KeptTable> tables) : IChangeUndo
{
    private const int MaxRows = 100_000;
    private const int MaxIds = 100;

    private const string CountRows = "select count(*)::int from platform.row_change where call_id = any($1)";

    private const string FindCalls = "select distinct call_id from platform.row_change where call_id = any($1)";

    private const string FindLastOther = """
        select distinct on (key) key, actor, changed_at, call_id from platform.row_change
        where relation = $1 and key = any($2) and call_id <> all($3) and before - $4::text[] is distinct from after - $4::text[]
        order by key, position desc
        """;

    public IReadOnlyDictionary<string, string> Remedies { get; init; } = new Dictionary<string, string>();

    public async Task UndoAsync(WriteTransaction tx, ChangeScope scope, IReadOnlyList<JournaledChange> changes, UndoReport report) =>
        await ApplyAsync(tx, await PlanAsync(tx, changes, report), report);

    /// <summary>Finds out what can go back, and tells what cannot. The rows are locked from here on.</summary>
    public async Task<RowUndoPlan> PlanAsync(WriteTransaction tx, IReadOnlyList<JournaledChange> changes, UndoReport report)
    {
        var calls = changes.Select(change => change.CallId).Distinct(StringComparer.Ordinal).ToArray();
        if (await tx.ScalarAsync<int>(CountRows, [calls]) is var rows and > MaxRows)
        {
            throw Problem.Conflict(
                "UNDO_TOO_LARGE",
                $"{rows} rows are more than the {MaxRows} that one undo takes back. Nothing was changed.",
                "Undo its calls one by one with undo_change, newest first."
            );
        }

        var plans = await RowPlan.FindAsync(tx, tables, calls);
        var kept = await FindKeptAsync(tx, calls);
        foreach (var change in changes.Where(change => IsKept(change, kept)))
        {
            report.Handled(change);
        }

        report.UndoneBefore(plans.Count(plan => plan.Fate == RowFate.IsBack && IsTold(plan)));
        await LeaveChangedAsync(tx, plans, calls, report);
        var wanted = plans.Where(plan => plan.Fate == RowFate.CanGoBack).ToList();
        LeaveForbidden(tx, wanted, report);
        return new RowUndoPlan(plans, wanted);
    }

    /// <summary>Who changed rows last, by key, in other calls than these and in more than the columns to ignore.</summary>
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
                row => (Key: row.GetString(0), Change: new LastChange(row.GetString(1), row.GetDateTime(2), row.GetString(3))),
                table,
                keys,
                calls,
                ignored
            )
        ).ToDictionary(one => one.Key, one => one.Change);

    /// <summary>Takes back what is planned, or those of it that shall go first.</summary>
    public async Task ApplyAsync(WriteTransaction tx, RowUndoPlan plan, UndoReport report, Func<RowPlan, bool>? first = null)
    {
        var wanted = plan.Wanted.Where(one => first?.Invoke(one) != false).ToList();
        await LeaveUsedAsync(tx, wanted, report);
        await LeaveObstructedAsync(tx, wanted, report);
        plan.Wanted.RemoveAll(one => first?.Invoke(one) != false);
        if (first is null)
        {
            var left = plan
                .All.Except(wanted)
                .Where(one => one.Fate != RowFate.IsBack)
                .Select(one => (one.Table.Name, one.Key))
                .ToHashSet();
            wanted.RemoveAll(one => one.Table.PartOf is { } owner && left.Contains((owner, one.Key.Split('/')[0])));
        }

        // What is owned goes before its owner, and comes after it.
        foreach (var removed in wanted.Where(one => one.IsRemoval).GroupBy(one => one.Table).Reverse())
        {
            await ApplyAsync(tx, removed.Key, "removed", [.. removed], report);
        }

        foreach (var table in tables)
        {
            var ofTable = wanted.Where(one => one.Table == table && !one.IsRemoval).ToList();
            foreach (
                var (how, group) in new[]
                {
                    ("revoked", ofTable.Where(one => one.Target is null)),
                    ("reverted", ofTable.Where(one => one.Target is not null && one.Current is not null)),
                    ("restored", ofTable.Where(one => one.Target is not null && one.Current is null)),
                }
            )
            {
                var refused = (await ApplyAsync(tx, table, how, [.. group], report)).Select(one => one.Key).ToHashSet();
                wanted.RemoveAll(one => one.Table.PartOf == table.Name && refused.Contains(one.Key.Split('/')[0]));
            }
        }
    }

    public async Task<IReadOnlySet<Guid>> SummarizeAsync(
        WriteTransaction tx,
        ChangeScope scope,
        IReadOnlyList<JournaledChange> changes,
        ICollection<NetChange> summary
    )
    {
        var kept = await FindKeptAsync(tx, [.. changes.Select(change => change.CallId).Distinct(StringComparer.Ordinal)]);
        var counted = changes.Where(change => IsKept(change, kept)).ToList();
        var plans = await RowPlan.FindAsync(tx, tables, [.. counted.Select(change => change.CallId).Distinct(StringComparer.Ordinal)]);
        foreach (var kind in plans.Where(IsTold).GroupBy(plan => plan.Table.Kind))
        {
            var inEffect = kind.Where(plan => plan.Fate != RowFate.IsBack && plan.Before != plan.After).ToList();
            summary.Add(
                new NetChange
                {
                    Kind = kind.Key,
                    Created = inEffect.Count(plan => plan.Before is null),
                    Deleted = inEffect.Count(plan => plan.After is null),
                    Updated = inEffect.Count(plan => plan.Before is not null && plan.After is not null),
                    Undone = kind.Count(plan => plan.Fate == RowFate.IsBack),
                    ChangedSince = kind.Count(plan => plan.Fate == RowFate.ChangedSince),
                    Ids = { inEffect.Take(MaxIds).Select(plan => plan.Id) },
                }
            );
        }

        return counted.Select(change => change.Id).ToHashSet();
    }

    // A call that left no row, such as one that only mailed something, has nothing that could go back.
    private static async Task<HashSet<string>> FindKeptAsync(WriteTransaction tx, string[] calls) =>
        [.. await tx.QueryAsync(FindCalls, row => row.GetString(0), [calls])];

    private bool IsKept(JournaledChange change, HashSet<string> kept) =>
        kept.Contains(change.CallId) && tables.Any(table => table.Kind == change.Targets[0].Kind);

    private static bool IsTold(RowPlan plan) => plan.Table.PartOf is null && !plan.IsPart;

    private static async Task LeaveChangedAsync(WriteTransaction tx, List<RowPlan> plans, string[] calls, UndoReport report)
    {
        foreach (var changed in plans.Where(plan => plan.Fate == RowFate.ChangedSince && IsTold(plan)).GroupBy(plan => plan.Table))
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
                var left = Alone(plan, "CHANGED_SINCE", plan.Current is null ? "It is gone by now." : "Somebody changed it since.");
                if (last.TryGetValue(plan.Key, out var other))
                {
                    (left.ChangedBy, left.ChangedAt, left.CallId) = (other.By, Timestamp.FromDateTime(other.At), other.CallId);
                }

                report.Left(left);
            }
        }
    }

    // An undo does what it takes back and what it does instead, so it needs both permissions.
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
                if (IsTold(plan))
                {
                    report.Left(Alone(plan, "PERMISSION_DENIED", $"Taking this back needs the permission {missing}."));
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
                    $"select distinct c.{column}::text from {table.Schema}.{owned} c where c.{column}::text = any($1) and {key} <> all($2)",
                    row => row.GetString(0),
                    removed.Keys.ToArray(),
                    going
                );
                foreach (var plan in used.Select(one => removed[one]))
                {
                    wanted.Remove(plan);
                    report.Left(Alone(plan, "CHANGED_SINCE", $"It has {owned} rows by now that are not of these changes."));
                }
            }
        }
    }

    // Whose owner stays, stays with it; and whose part or user stays, stays as well: again until nothing follows from it.
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
                        if (IsTold(obstacle.Plan))
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

    /// <summary>Returns those that something was in the way of.</summary>
    private static async Task<List<RowPlan>> ApplyAsync(
        WriteTransaction tx,
        KeptTable table,
        string how,
        List<RowPlan> plans,
        UndoReport report
    )
    {
        if (plans.Count == 0)
        {
            return [];
        }

        var (done, refused) = (plans, new List<RowPlan>());
        if (!await TryAsync(tx, table, how, plans))
        {
            // Something is in the way of some of them: one by one, to find out which.
            done = [];
            foreach (var plan in plans)
            {
                (await TryAsync(tx, table, how, [plan]) ? done : refused).Add(plan);
            }
        }

        if (how == "restored" && table.AfterRestore is { } beside && done.Count > 0)
        {
            await tx.ExecuteAsync(beside, [done.ConvertAll(plan => plan.Key).ToArray()]);
        }

        foreach (var plan in refused.Where(IsTold))
        {
            report.Left(Alone(plan, "VALUE_TAKEN", "A unique value of it belongs to another one by now, or what it belongs to is gone."));
        }

        if (table.ApplyBesideAsync is { } apply && done.Count > 0)
        {
            await apply(tx, done);
        }

        var told = done.Where(IsTold).ToList();
        if (told.Count > 0)
        {
            var ids = told.ConvertAll(plan => plan.Id);
            report.Undone(
                table.Kind,
                how,
                ids,
                told.Select(plan => $"{plan.Id} {plan.Current}"),
                note: plans[0].Target is null ? table.Note
                    : how == "restored" ? table.RestoreNote
                    : ""
            );
            tx.Announce(
                new ChangesUndone(tx.NewEventId(), tx.Call.WorkspaceId, tx.Now, table.Kind, how, [.. ids.Take(Target.MaxIds)]),
                new Target(table.Kind, ids)
            );
        }

        return refused;
    }

    private static async Task<bool> TryAsync(WriteTransaction tx, KeptTable table, string how, List<RowPlan> plans)
    {
        var keys = plans.ConvertAll(plan => plan.Key).ToArray();
        var images = plans.ConvertAll(plan => plan.Target ?? plan.Current!).ToArray();
        await tx.ExecuteAsync("savepoint undo");
        try
        {
            if (table.Mark is not null && how == "reverted" && plans.Count > 1)
            {
                // Unique values may have changed hands: nobody holds one while they go back.
                await tx.ExecuteAsync(RowSql.Of(table, "removed"), keys, images);
            }

            await tx.ExecuteAsync(RowSql.Of(table, how), keys, images);
            return true;
        }
        catch (PostgresException exception)
            when (exception.SqlState is PostgresErrorCodes.UniqueViolation or PostgresErrorCodes.ForeignKeyViolation)
        {
            await tx.ExecuteAsync("rollback to savepoint undo");
            return false;
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

file static class RowSql
{
    /// <summary>$1 keys, $2 images to write. The version of a row that comes back is unknown here: it is found in the history.</summary>
    public static string Of(KeptTable table, string how) =>
        how switch
        {
            "removed" when table.Mark is { } mark =>
                $"update {table.QualifiedName} r set {mark} = now() from unnest($1::text[], $2::text[]) as k(key, image) where {table.Match}",
            "removed" => $"delete from {table.QualifiedName} r using unnest($1::text[], $2::text[]) as k(key, image) where {table.Match}",
            "restored" when table.Mark is null =>
                $"insert into {table.QualifiedName} select p.* from {Images(table, table.HasVersion ? $"k.image::jsonb || jsonb_build_object('version', {LastVersion(table)} + 1)" : "k.image::jsonb")}",
            "revoked" => Update(table, table.InsteadOfRemoval!),
            _ => Update(table, "k.image::jsonb"),
        };

    private static string Update(KeptTable table, string image) =>
        $"""
            update {table.QualifiedName} r set {string.Join(", ", Updated(table).Select(column => $"{column} = k.{column}"))}{(
                table.HasVersion ? ", version = r.version + 1" : ""
            )}
            from (select k.key, {string.Join(", ", Updated(table).Select(column => "p." + column))} from {Images(
                table,
                image
            )}) k where {table.Match}
            """;

    private static IEnumerable<string> Updated(KeptTable table) => table.Mark is { } mark ? table.Updatable.Append(mark) : table.Updatable;

    private static string Images(KeptTable table, string image) =>
        $"unnest($1::text[], $2::text[]) as k(key, image) cross join lateral jsonb_populate_record(null::{table.QualifiedName}, {image}) as p";

    private static string LastVersion(KeptTable table) =>
        $"(select max((c.before ->> 'version')::bigint) from platform.row_change c where c.relation = '{table.Name}' and c.key = k.key)";
}

/// <summary>Who changed a row last, when and in which call.</summary>
public sealed record LastChange(string By, DateTime At, string CallId);

/// <summary>What an undo of rows is about to do.</summary>
/// <param name="All">Every row that the changes touched.</param>
/// <param name="Wanted">Those that can go back and have not yet.</param>
public sealed record RowUndoPlan(IReadOnlyList<RowPlan> All, List<RowPlan> Wanted);
