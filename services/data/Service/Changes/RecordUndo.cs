using System.Data;
using Google.Protobuf.WellKnownTypes;
using Platform.Changes.Contracts.V1;
using Platform.Changes.Undo;
using Platform.Contracts;
using Platform.Data.Contracts.Events;
using Platform.Data.Service.Fields;
using Platform.Data.Service.Records;
using Platform.Data.Service.Schemas;
using Platform.ServiceDefaults.State;

namespace Platform.Data.Service.Changes;

/// <summary>Undo of records, table by table, from their history.</summary>
internal static class RecordUndo
{
    /// <summary>
    /// Runs under the locks of the tables. A record that others link to stays, and so do records of the undo that would link to it. Links
    /// among records that go do not count. So the undo runs first, then looks for such links, and starts over without what must stay.
    /// </summary>
    public static async Task UndoAsync(WriteTransaction tx, IReadOnlyList<ChangedTable> tables, UndoReport report)
    {
        var prepared = new List<(TableSchema Table, List<RecordPlan> Plans, IReadOnlyList<string> Columns)>();
        foreach (var changed in tables)
        {
            if (await PrepareAsync(tx, changed, report) is { } one)
            {
                prepared.Add(one);
            }
        }

        var linked = new List<LinkedRecord>();
        for (; ; )
        {
            await tx.ExecuteAsync("savepoint undo_records");
            var done = new List<TableUndo>();
            foreach (var (table, plans, columns) in prepared)
            {
                var kept = linked.Where(one => one.Table == table).Select(one => one.Id).ToHashSet();
                done.Add(await RunAsync(tx, table, columns, [.. plans.Where(plan => !kept.Contains(plan.Id))]));
            }

            var more = new List<LinkedRecord>();
            foreach (var undone in done)
            {
                more.AddRange(await FindLinkedAsync(tx, undone));
            }

            if (more.Count == 0)
            {
                foreach (var one in linked)
                {
                    report.Left(
                        Alone(
                            one.Table,
                            one.Id,
                            Reasons.ChangedSince,
                            $"{RecordIds.Format(one.By)} in {one.From} links to it.",
                            one.ChangedBy,
                            one.ChangedAt
                        )
                    );
                }

                done.ForEach(undone => Report(tx, undone, report));
                return;
            }

            await tx.ExecuteAsync("rollback to savepoint undo_records");
            linked.AddRange(more);
        }
    }

    private static async Task<(TableSchema, List<RecordPlan>, IReadOnlyList<string>)?> PrepareAsync(
        WriteTransaction tx,
        ChangedTable changed,
        UndoReport report
    )
    {
        if (Missing(tx, changed.Kinds) is { } permission)
        {
            report.Left(AllOf(changed, Reasons.PermissionDenied, $"Taking this back needs the permission {permission}."));
            return null;
        }

        if (await TableSchemas.LoadAsync(tx, changed.TableId, evenRemoved: true) is not { } table)
        {
            return null;
        }

        var plans = await PlanAsync(tx, table, changed.Changes);
        report.UndoneBefore(plans.Count(plan => plan.Target is null && !plan.IsBlocked));
        if (table.IsRemoved)
        {
            // Records that went with the table are undone already; the others have no table to go back to.
            if (plans.Any(plan => plan.Target is not null || plan.IsBlocked))
            {
                report.Left(AllOf(changed, Reasons.CannotBeUndone, "The table is removed. Undo that first."));
            }

            return null;
        }

        foreach (var plan in plans.Where(plan => plan.IsBlocked))
        {
            report.Left(
                Alone(
                    table,
                    plan.Id,
                    Reasons.ChangedSince,
                    plan.Target is null
                        ? "Somebody changed it since."
                        : "Somebody changed it in between: only what came after that is taken back.",
                    plan.By,
                    plan.At,
                    plan.CallId
                )
            );
        }

        await EnterAsync(tx);
        var columns = await tx.QueryAsync(RecordRestore.Columns, row => row.GetString(0), table.QualifiedName);
        await tx.LeaveRoleAsync();
        return (table, plans.FindAll(plan => plan.Target is > 0 || plan is { Target: 0, IsPresent: true }), columns);
    }

    private static async Task<TableUndo> RunAsync(
        WriteTransaction tx,
        TableSchema table,
        IReadOnlyList<string> columns,
        IReadOnlyList<RecordPlan> plans
    )
    {
        await EnterAsync(tx);
        var restore = new RecordRestore(tx, table, columns, plans);
        var misfits = await restore.FindMisfitsAsync();
        var taken = await restore.FindTakenAsync();
        var change = RecordHistory.Change(tx, table, "undone", [.. restore.Plans.Select(plan => plan.Id)]);
        var live = restore.Plans.Count > 0 ? await restore.RunAsync(change) : [];
        await tx.LeaveRoleAsync();
        return new TableUndo(
            table,
            restore.Plans,
            [
                .. await TellAsync(tx, table, misfits),
                .. taken.Select(one =>
                    Alone(
                        table,
                        one.Plan.Id,
                        Reasons.ValueTaken,
                        $"Its value of the unique field {one.Field.Name} belongs to {RecordIds.Format(one.Owner)} now."
                    )
                ),
            ],
            live,
            change
        );
    }

    /// <summary>With who changed the field last, other than this undo.</summary>
    private static async Task<IEnumerable<LeftAlone>> TellAsync(
        WriteTransaction tx,
        TableSchema table,
        List<(RecordPlan Plan, FieldSchema Field, string Why)> misfits
    )
    {
        if (misfits.Count == 0)
        {
            return [];
        }

        var last = await RowUndo.FindLastOthersAsync(
            tx,
            "field",
            [.. misfits.Select(misfit => misfit.Field.Id.ToString()).Distinct()],
            [tx.Call.CallId]
        );
        return misfits.Select(misfit =>
            last.GetValueOrDefault(misfit.Field.Id.ToString()) is { } one
                ? Alone(table, misfit.Plan.Id, Reasons.ChangedSince, misfit.Why, one.By, one.At, one.CallId)
                : Alone(table, misfit.Plan.Id, Reasons.ChangedSince, misfit.Why)
        );
    }

    /// <summary>Records that are gone now, and to which one that is there links.</summary>
    private static async Task<List<LinkedRecord>> FindLinkedAsync(WriteTransaction tx, TableUndo undone)
    {
        var gone = undone.Plans.Where(plan => plan.Target == 0).Select(plan => plan.Id).ToArray();
        var linked = new List<LinkedRecord>();
        if (gone.Length == 0)
        {
            return linked;
        }

        await EnterAsync(tx);
        foreach (var target in undone.Table.Fields.Select(field => field.Kind.Link).OfType<LinkTarget>().Where(target => target.IsInverse))
        {
            var column = target.OtherColumn;
            linked.AddRange(
                await tx.QueryAsync(
                    $"""
                    select distinct on (l.id) l.id, o.id as linking_id, o.updated_by, o.updated_at
                    from {target.QualifiedName} o cross join lateral unnest(o.{column}) as l(id)
                    where o.deleted_at is null and o.{column} && $1 and l.id = any($1) order by l.id, o.updated_at desc, o.id
                    """,
                    row => new LinkedRecord(
                        undone.Table,
                        row.GetGuid("id"),
                        target.TableName,
                        row.GetGuid("linking_id"),
                        row.GetString("updated_by"),
                        row.GetDateTime("updated_at")
                    ),
                    [gone]
                )
            );
        }

        await tx.LeaveRoleAsync();
        return [.. linked.DistinctBy(one => one.Id)];
    }

    private static void Report(WriteTransaction tx, TableUndo undone, UndoReport report)
    {
        var (table, plans, live, change) = (undone.Table, undone.Plans, undone.Live, undone.Change);
        undone.Left.ForEach(report.Left);
        if (plans.Count == 0)
        {
            return;
        }

        var groups = plans
            .GroupBy(plan =>
                (plan.IsLive, IsLiveNow: live.Contains(plan.Id)) switch
                {
                    (true, false) => "removed",
                    (false, true) => "restored",
                    _ => "reverted",
                }
            )
            .ToDictionary(group => group.Key, group => group.ToList());
        foreach (var (how, group) in groups)
        {
            report.Undone(
                "record",
                how,
                group.ConvertAll(plan => RecordIds.Format(plan.Id)),
                group.Select(plan => $"{plan.Id}@{plan.Top}>{plan.Target}"),
                table.Key
            );
        }

        int Count(string how) => groups.TryGetValue(how, out var group) ? group.Count : 0;
        tx.Announce(
            new RecordsUndone(
                tx.NewEventId(),
                tx.Call.WorkspaceId,
                tx.Now,
                table.Key,
                change.Id,
                Count("removed"),
                Count("restored"),
                Count("reverted")
            ),
            new Target("record", [.. plans.Select(plan => RecordIds.Format(plan.Id))]),
            new Target("table", table.Key)
        );
    }

    public static Task<List<RecordPlan>> PlanAsync(WriteTransaction tx, TableSchema table, Guid[] changes) =>
        tx.BatchAsync(
            async reader =>
            {
                await reader.NextResultAsync();
                var plans = new List<RecordPlan>();
                while (await reader.ReadAsync())
                {
                    plans.Add(RecordPlan.Read(reader));
                }

                return plans;
            },
            TableEntry.Role(tx.Call.WorkspaceId),
            RecordPlan.Find(table, changes),
            new Statement("set local role none")
        );

    private static Task<int> EnterAsync(WriteTransaction tx) =>
        tx.ExecuteAsync(TableEntry.Role(tx.Call.WorkspaceId).Sql, TableSchema.RoleOf(tx.Call.WorkspaceId));

    // An undo needs the permission for the change that it undoes, and for the change that it makes.
    private static string? Missing(WriteTransaction tx, string[] kinds)
    {
        var needed = kinds.SelectMany<string, string>(kind =>
            kind == "updated" ? [Scopes.RecordsWrite] : [Scopes.RecordsWrite, Scopes.RecordsDelete]
        );
        return needed.FirstOrDefault(permission => !tx.Call.Caller.Permissions.Contains(permission));
    }

    private static LeftAlone AllOf(ChangedTable changed, string reason, string why) =>
        new()
        {
            Kind = "record",
            TableId = Ids.Format("tbl", changed.TableId),
            Reason = reason,
            Why = $"{why} It is about {changed.Records} changes of records.",
        };

    private static LeftAlone Alone(
        TableSchema table,
        Guid id,
        string reason,
        string why,
        string by = "",
        DateTime? at = null,
        string callId = ""
    ) =>
        new()
        {
            Kind = "record",
            Id = RecordIds.Format(id),
            TableId = table.Key,
            Reason = reason,
            Why = why,
            ChangedBy = by,
            ChangedAt = at is { } changedAt ? Timestamp.FromDateTime(changedAt) : null,
            CallId = callId,
        };

    /// <summary>What an undo did in one table; it may be rolled back yet.</summary>
    private sealed record TableUndo(
        TableSchema Table,
        IReadOnlyList<RecordPlan> Plans,
        List<LeftAlone> Left,
        HashSet<Guid> Live,
        RecordChange Change
    );

    /// <summary>A record that would be gone, and one that links to it.</summary>
    private sealed record LinkedRecord(TableSchema Table, Guid Id, string From, Guid By, string ChangedBy, DateTime ChangedAt);
}
