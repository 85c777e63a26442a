using Platform.Contracts;
using Platform.Data.Contracts.Events;
using Platform.Data.Service.Fields;
using Platform.Data.Service.Schemas;
using Platform.ServiceDefaults.State;

namespace Platform.Data.Service.Records;

/// <summary>What one call did to records of a table, for history.</summary>
/// <param name="Id">Of the change; events point to it.</param>
/// <param name="Insert">Writes it, as the application role or as the workspace's own.</param>
internal sealed record RecordChange(Guid Id, Statement Insert);

internal static class RecordHistory
{
    private const string InsertChange = """
        insert into data.record_change
            (workspace_id, environment_id, id, table_id, kind, record_ids, changed_at, changed_by, call_id, tool, task)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        """;

    public static RecordChange Change(WriteTransaction tx, TableSchema table, string kind, Guid[] recordIds)
    {
        var (call, id) = (tx.Call, Ids.New());
        return new RecordChange(
            id,
            new Statement(
                InsertChange,
                call.WorkspaceId,
                call.EnvironmentId,
                id,
                table.Id,
                kind,
                recordIds,
                tx.Now.UtcDateTime,
                call.ActorId,
                call.CallId,
                call.Tool,
                call.Task
            )
        );
    }

    /// <summary>The event of a change of several records.</summary>
    public static RecordsUpdated Updated(
        WriteTransaction tx,
        TableSchema table,
        Guid changeId,
        Guid[] recordIds,
        IEnumerable<FieldSchema> fields
    ) =>
        new(
            tx.NewEventId(),
            tx.Call.WorkspaceId,
            tx.Now,
            table.Key,
            changeId,
            [.. recordIds.Take(Target.MaxIds).Select(RecordIds.Format)],
            recordIds.Length,
            [.. fields.Select(field => field.Key)]
        );

    public static IReadOnlyList<Target> Targets(TableSchema table, Guid[] recordIds) =>
        [new Target("record", [.. recordIds.Select(RecordIds.Format)]), new Target("table", table.Key)];
}
