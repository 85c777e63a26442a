using System.Data;
using Npgsql;
using Platform.Changes.Contracts;
using Platform.Changes.Contracts.V1;
using Platform.Contracts;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Changes.Undo;

/// <summary>
/// Undo for kept tables: a row goes back if it is still as the changes of the scope left it. README.md explains the words.
/// </summary>
/// <param name="tables">Owners before what they own.</param>
public sealed partial class RowUndo(params IReadOnlyList<KeptTable> tables) : IChangeUndo
{
    private const int MaxRows = 100_000;
    private const int MaxIds = 100;

    private const string CountRows = "select count(*)::int from platform.row_change where call_id = any($1)";

    private const string FindCalls = "select distinct call_id from platform.row_change where call_id = any($1)";

    public IReadOnlyDictionary<string, string> Remedies { get; init; } = new Dictionary<string, string>();

    public async Task UndoAsync(WriteTransaction tx, ChangeScope scope, IReadOnlyList<JournaledChange> changes, UndoReport report) =>
        await ApplyAsync(tx, await PlanAsync(tx, changes, report), report);

    /// <summary>Finds out what can go back, and reports what cannot. The rows are locked from here on.</summary>
    public async Task<RowUndoPlan> PlanAsync(WriteTransaction tx, IReadOnlyList<JournaledChange> changes, UndoReport report)
    {
        var calls = changes.Select(change => change.CallId).Distinct(StringComparer.Ordinal).ToArray();
        if (await tx.ScalarAsync<int>(CountRows, [calls]) is var rows and > MaxRows)
        {
            throw Problem.Conflict(
                Reasons.UndoTooLarge,
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

        report.UndoneBefore(plans.Count(plan => plan.Fate == RowFate.IsBack && IsReported(plan)));
        await LeaveChangedAsync(tx, plans, calls, report);
        var wanted = plans.Where(plan => plan.Fate == RowFate.CanGoBack).ToList();
        LeaveForbidden(tx, wanted, report);
        return new RowUndoPlan(plans, wanted);
    }

    /// <summary>Takes back what is planned, or only those plans that have to go first.</summary>
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

        // What is owned is removed before its owner, and comes back after it.
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
        foreach (var kind in plans.Where(IsReported).GroupBy(plan => plan.Table.Kind))
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

    // A call that changed no row, such as one that only sent a mail, has nothing that could go back.
    private static async Task<HashSet<string>> FindKeptAsync(WriteTransaction tx, string[] calls) =>
        [.. await tx.QueryAsync(FindCalls, row => row.GetString("call_id"), [calls])];

    private bool IsKept(JournaledChange change, HashSet<string> kept) =>
        kept.Contains(change.CallId) && tables.Any(table => table.Kind == change.Targets[0].Kind);

    private static bool IsReported(RowPlan plan) => plan.Table.PartOf is null && !plan.IsPart;

    /// <summary>Returns the plans that could not be applied.</summary>
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
            // Some of them cannot go back: they are tried one by one to find out which.
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

        foreach (var plan in refused.Where(IsReported))
        {
            report.Left(Alone(plan, Reasons.ValueTaken, "Another one has its unique value now, or what it belongs to is gone."));
        }

        if (table.ApplyBesideAsync is { } apply && done.Count > 0)
        {
            await apply(tx, done);
        }

        var reported = done.Where(IsReported).ToList();
        if (reported.Count > 0)
        {
            var ids = reported.ConvertAll(plan => plan.Id);
            report.Undone(
                table.Kind,
                how,
                ids,
                reported.Select(plan => $"{plan.Id} {plan.Current}"),
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
                // Unique values may have moved from one row to another: no row holds one while they go back.
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
}
