using Google.Protobuf.WellKnownTypes;
using Platform.Changes.Contracts.V1;
using Platform.Contracts;
using Platform.Data.Contracts.Events;
using Platform.Data.Service.Records;
using Platform.Data.Service.Schemas;
using Platform.ServiceDefaults;
using Platform.ServiceDefaults.Changes;
using Platform.ServiceDefaults.State;

namespace Platform.Data.Service.Changes;

/// <summary>Undo of records, from their history; see docs/decisions/0009-tasks-and-undo.md for what "as it was" means.</summary>
internal sealed class DataUndo : IChangeUndo
{
    public const int MaxRecords = 100_000;
    private const int MaxIds = 100;

    private const string FindRecordChanges = """
        select table_id, array_agg(id), array_agg(distinct kind), sum(cardinality(record_ids)) from data.record_change
        where task = $1 and kind <> 'undone' or call_id = $2 group by table_id order by table_id
        """;

    private const string LockTable = "select data.begin_schema_change($1)";

    public async Task UndoAsync(WriteTransaction tx, ChangeScope scope, IReadOnlyList<JournaledChange> changes, UndoReport report)
    {
        var tables = await FindAsync(tx, scope);
        if (tables.Sum(table => table.Records) is var records and > MaxRecords)
        {
            throw Problem.Conflict("UNDO_TOO_LARGE", $"{records} record changes are more than the {MaxRecords} that one undo takes back. Nothing was changed.",
                "Undo its calls one by one with undo_change, newest first.");
        }

        foreach (var changed in tables)
        {
            await UndoAsync(tx, changed, report);
        }

        foreach (var change in changes.Where(IsOfRecords))
        {
            report.Handled(change);
        }
    }

    public async Task<IReadOnlySet<Guid>> SummarizeAsync(
        WriteTransaction tx, ChangeScope scope, IReadOnlyList<JournaledChange> changes, ICollection<NetChange> summary)
    {
        foreach (var changed in await FindAsync(tx, scope))
        {
            if (!tx.Call.Caller.Permissions.Contains("databases.records:read") || await TableSchemas.LoadAsync(tx, changed.TableId) is not { } table)
            {
                continue;
            }

            var plans = await PlanAsync(tx, table, changed.Changes);
            var inEffect = plans.Where(plan => (plan.Target is not null || plan.IsBlocked) && !(plan.Created && plan.Deleted)).ToList();
            summary.Add(new NetChange
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
            });
        }

        return changes.Where(IsOfRecords).Select(change => change.Id).ToHashSet();
    }

    private static bool IsOfRecords(JournaledChange change) => change.Targets[0].Kind == "record";

    private static Task<List<ChangedTable>> FindAsync(WriteTransaction tx, ChangeScope scope) => tx.QueryAsync(FindRecordChanges,
        row => new ChangedTable(row.GetGuid(0), row.GetFieldValue<Guid[]>(1), row.GetFieldValue<string[]>(2), row.GetInt64(3)),
        scope.Task ?? "", scope.CallId ?? "");

    private static async Task UndoAsync(WriteTransaction tx, ChangedTable changed, UndoReport report)
    {
        if (Missing(tx, changed.Kinds) is { } permission)
        {
            report.Left(AllOf(changed, "PERMISSION_DENIED", $"Taking this back needs the permission {permission}."));
            return;
        }

        // For a moment the table stands still: what is read here is what is written back.
        await tx.ExecuteAsync(LockTable, changed.TableId);
        if (await TableSchemas.LoadAsync(tx, changed.TableId) is not { } table)
        {
            report.Left(AllOf(changed, "CANNOT_BE_UNDONE", "The table is deleted. Restore it first."));
            return;
        }

        var plans = await PlanAsync(tx, table, changed.Changes);
        foreach (var plan in plans.Where(plan => plan.IsBlocked))
        {
            report.Left(Alone(table, plan, "CHANGED_SINCE", plan.Target is null
                ? "Somebody changed it since." : "Somebody changed it in between: only what came after that is taken back.", plan.By, plan.At, plan.CallId));
        }

        report.UndoneBefore(plans.Count(plan => plan.Target is null && !plan.IsBlocked));
        await tx.ExecuteAsync(TableEntry.Role(tx.Call.WorkspaceId).Sql, TableSchema.RoleOf(tx.Call.WorkspaceId));
        var columns = await tx.QueryAsync(RecordRestore.Columns, row => row.GetString(0), table.QualifiedName);
        var restore = new RecordRestore(tx, table, columns, [.. plans.Where(plan => plan.Target is > 0 || plan is { Target: 0, IsPresent: true })]);
        foreach (var (plan, field, owner) in await restore.FindTakenAsync())
        {
            report.Left(Alone(table, plan, "VALUE_TAKEN", $"Its value of the unique field {field.Name} belongs to {RecordIds.Format(owner)} now."));
        }

        if (restore.Plans.Count > 0)
        {
            var change = RecordHistory.Change(tx, table, "undone", [.. restore.Plans.Select(plan => plan.Id)]);
            Report(tx, table, restore.Plans, await restore.RunAsync(change), change, report);
        }

        await tx.LeaveRoleAsync();
    }

    private static void Report(
        WriteTransaction tx, TableSchema table, IReadOnlyList<RecordPlan> plans, HashSet<Guid> live, RecordChange change, UndoReport report)
    {
        var groups = plans.GroupBy(plan => (plan.IsLive, IsLiveNow: live.Contains(plan.Id)) switch
        {
            (true, false) => "removed",
            (false, true) => "restored",
            _ => "reverted",
        }).ToDictionary(group => group.Key, group => group.ToList());
        foreach (var (how, group) in groups)
        {
            report.Undone("record", how, group.ConvertAll(plan => RecordIds.Format(plan.Id)), group.Select(plan => $"{plan.Id}@{plan.Top}>{plan.Target}"), table.Key);
        }

        int Count(string how) => groups.TryGetValue(how, out var group) ? group.Count : 0;
        tx.Announce(new RecordsUndone(tx.NewEventId(), tx.Call.WorkspaceId, tx.Now, table.Key, change.Id, Count("removed"), Count("restored"), Count("reverted")),
            new Target("record", [.. plans.Select(plan => RecordIds.Format(plan.Id))]), new Target("table", table.Key));
    }

    private static Task<List<RecordPlan>> PlanAsync(WriteTransaction tx, TableSchema table, Guid[] changes) => tx.BatchAsync(async reader =>
    {
        await reader.NextResultAsync();
        var plans = new List<RecordPlan>();
        while (await reader.ReadAsync())
        {
            plans.Add(RecordPlan.Read(reader));
        }

        return plans;
    }, TableEntry.Role(tx.Call.WorkspaceId), RecordPlan.Find(table, changes), new Statement("set local role none"));

    // An undo does what it takes back and what it does instead, so it needs both permissions.
    private static string? Missing(WriteTransaction tx, string[] kinds)
    {
        var needed = kinds.SelectMany<string, string>(kind => kind == "updated" ? ["databases.records:write"] : ["databases.records:write", "databases.records:delete"]);
        return needed.FirstOrDefault(permission => !tx.Call.Caller.Permissions.Contains(permission));
    }

    private static LeftAlone AllOf(ChangedTable changed, string reason, string why) => new()
    {
        Kind = "record",
        TableId = Ids.Format("tbl", changed.TableId),
        Reason = reason,
        Why = $"{why} It is about {changed.Records} changes of records.",
    };

    private static LeftAlone Alone(TableSchema table, RecordPlan plan, string reason, string why, string by = "", DateTime? at = null, string callId = "") => new()
    {
        Kind = "record",
        Id = RecordIds.Format(plan.Id),
        TableId = table.Key,
        Reason = reason,
        Why = why,
        ChangedBy = by,
        ChangedAt = at is { } changedAt ? Timestamp.FromDateTime(changedAt) : null,
        CallId = callId,
    };

    private sealed record ChangedTable(Guid TableId, Guid[] Changes, string[] Kinds, long Records);
}
