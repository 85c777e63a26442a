using System.Data;
using Platform.Changes.Contracts.V1;
using Platform.Changes.Undo;
using Platform.Contracts;
using Platform.Data.Service.Fields;
using Platform.Data.Service.Schemas;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Data.Service.Changes;

/// <summary>
/// Undo of schemas and records, from their histories; see docs/decisions/0009-tasks-and-undo.md for what "as it was" means.
/// </summary>
internal sealed class DataUndo : IChangeUndo
{
    public const int MaxRecords = 100_000;
    private const int MaxIds = 100;

    private const string FindRecordChanges = """
        select table_id, array_agg(id) as changes, array_agg(distinct kind) as kinds, sum(cardinality(record_ids)) as records
        from data.record_change
        where task = $1 and kind <> 'undone' or call_id = $2 group by table_id order by table_id
        """;

    private readonly RowUndo _schema = SchemaUndo.Create();

    public async Task UndoAsync(WriteTransaction tx, ChangeScope scope, IReadOnlyList<JournaledChange> changes, UndoReport report)
    {
        var records = await FindAsync(tx, scope);
        if (records.Sum(table => table.Records) is var count and > MaxRecords)
        {
            throw Problem.Conflict(
                Reasons.UndoTooLarge,
                $"{count} record changes are more than the {MaxRecords} that one undo takes back. Nothing was changed.",
                "Undo its calls one by one with undo_change, newest first."
            );
        }

        // The locks keep the tables unchanged, so that what is read here is still true when it is written back.
        var changed = await SchemaUndo.LockAsync(
            tx,
            [.. changes.Select(change => change.CallId).Distinct()],
            records.Select(table => table.TableId)
        );
        var plan = await _schema.PlanAsync(tx, changes, report);
        var before = report.Part.Undone.Count;
        await _schema.ApplyAsync(tx, plan, report, SchemaUndo.GoesBeforeRecords);
        await SchemaUndo.LoosenAsync(tx, plan);
        var ofSchema = report.Part.Undone.Count - before;

        await RecordUndo.UndoAsync(tx, records, report);
        foreach (var change in changes.Where(IsOfRecords))
        {
            report.Handled(change);
        }

        before = report.Part.Undone.Count;
        await _schema.ApplyAsync(tx, plan, report);
        if (report.Part.Undone.Count - before + ofSchema > 0)
        {
            await SchemaUndo.RenewAsync(tx, changed);
        }
    }

    public async Task<IReadOnlySet<Guid>> SummarizeAsync(
        WriteTransaction tx,
        ChangeScope scope,
        IReadOnlyList<JournaledChange> changes,
        ICollection<NetChange> summary
    )
    {
        var counted = await _schema.SummarizeAsync(tx, scope, changes, summary);
        foreach (var changed in await FindAsync(tx, scope))
        {
            if (
                !tx.Call.Caller.Permissions.Contains(Scopes.RecordsRead)
                || await TableSchemas.LoadAsync(tx, changed.TableId, evenRemoved: true) is not { } table
            )
            {
                continue;
            }

            var plans = await RecordUndo.PlanAsync(tx, table, changed.Changes);
            var inEffect = plans.Where(plan => (plan.Target is not null || plan.IsBlocked) && !(plan.Created && plan.Deleted)).ToList();
            summary.Add(
                new NetChange
                {
                    Kind = "record",
                    TableId = table.Key,
                    Table = table.Name,
                    Created = inEffect.Count(plan => plan.Created),
                    Updated = inEffect.Count(plan => !plan.Created && !plan.Deleted),
                    Deleted = inEffect.Count(plan => plan.Deleted),
                    Undone = plans.Count(plan => plan.Target is null && !plan.IsBlocked),
                    ChangedSince = plans.Count(plan => plan.IsBlocked),
                    Ids = { inEffect.Take(MaxIds).Select(plan => RecordIds.Format(plan.Id)) },
                }
            );
        }

        return changes.Where(IsOfRecords).Select(change => change.Id).Concat(counted).ToHashSet();
    }

    private static bool IsOfRecords(JournaledChange change) => change.Targets[0].Kind == "record";

    private static Task<List<ChangedTable>> FindAsync(WriteTransaction tx, ChangeScope scope) =>
        tx.QueryAsync(
            FindRecordChanges,
            row => new ChangedTable(
                row.GetGuid("table_id"),
                row.GetFieldValue<Guid[]>("changes"),
                row.GetFieldValue<string[]>("kinds"),
                row.GetInt64("records")
            ),
            scope.Task ?? "",
            scope.CallId ?? ""
        );
}

/// <summary>A table whose records were changed.</summary>
internal sealed record ChangedTable(Guid TableId, Guid[] Changes, string[] Kinds, long Records);
