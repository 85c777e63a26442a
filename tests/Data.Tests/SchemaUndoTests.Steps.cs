using System.Text.Json;
using Grpc.Core;
using Platform.Changes.Contracts.V1;
using Platform.Contracts;
using Platform.Data.Contracts.V1;
using Platform.ServiceDefaults.Calls;
using Platform.Testing;

namespace Platform.Data.Tests;

public sealed partial class SchemaUndoTests
{
    private async Task<string> BeginAsync(TestCaller caller) =>
        (await data.Changes.BeginTaskAsync(new() { Goal = "Build" }, data.As(caller))).TaskId;

    private async Task<IReadOnlyList<NetChange>> SumAsync(TestCaller caller, string task) =>
        [.. Assert.Single((await data.Changes.SummarizeTaskAsync(new() { TaskId = task }, data.As(caller))).Parts).Changes];

    private async Task<(UndoPart Part, string CallId)> UndoAsync(TestCaller caller, string task)
    {
        var request = new UndoTaskRequest { TaskId = task };
        var preview = await data.Changes.UndoTaskAsync(request, data.As(caller)).ProblemAsync();
        Assert.Equal("CONFIRMATION_REQUIRED", preview.Reason);
        var call = data.As(caller, confirmation: preview.Confirmation.Token);
        return (Assert.Single((await data.Changes.UndoTaskAsync(request, call)).Parts), CallIdOf(call));
    }

    private async Task UndoChangeAsync(TestCaller caller, string callId)
    {
        var request = new UndoChangeRequest { CallId = callId };
        var preview = await data.Changes.UndoChangeAsync(request, data.As(caller)).ProblemAsync();
        Assert.Equal("CONFIRMATION_REQUIRED", preview.Reason);
        var part = Assert.Single(
            (await data.Changes.UndoChangeAsync(request, data.As(caller, confirmation: preview.Confirmation.Token))).Parts
        );
        Assert.Equal(0, part.LeftCount);
    }

    private async Task<(List<(string Kind, string Reason, string Why)> Left, int Count)> PreviewAsync(TestCaller caller, string callId)
    {
        var preview = await data.Changes.UndoChangeAsync(new() { CallId = callId }, data.As(caller)).ProblemAsync();
        using var json = JsonDocument.Parse(preview.Confirmation.Preview.Utf8.Memory);
        return (
            [
                .. json
                    .RootElement.GetProperty("left")
                    .EnumerateArray()
                    .Select(left =>
                        (
                            left.GetProperty("kind").GetString()!,
                            left.GetProperty("reason").GetString()!,
                            left.GetProperty("why").GetString()!
                        )
                    ),
            ],
            json.RootElement.GetProperty("leftCount").GetInt32()
        );
    }

    private async Task UpdateAsync(TestCaller caller, Table table, string id, string fields, string? task) =>
        await data.Records.UpdateRecordAsync(
            new UpdateRecordRequest
            {
                TableId = table.Id,
                RecordId = id,
                Fields = DataFixture.Json(fields),
            },
            data.As(caller, task: task)
        );

    private async Task DeleteAsync(TestCaller caller, Table table, string id, string? task = null)
    {
        var request = new DeleteRecordsRequest { TableId = table.Id, RecordIds = { id } };
        var preview = await data.Records.DeleteRecordsAsync(request, data.As(caller, task: task)).ProblemAsync();
        await data.Records.DeleteRecordsAsync(request, data.As(caller, confirmation: preview.Confirmation.Token, task: task));
    }

    private async Task<IEnumerable<string>> FieldsAsync(TestCaller caller, Table table) =>
        (await data.Tables.ListFieldsAsync(new() { TableId = table.Id }, data.As(caller))).Fields.Select(field => field.Name).ToList();

    private static List<(string Kind, string How, int Count)> Told(UndoPart part) =>
        [.. part.Undone.Select(undone => (undone.Kind, undone.How, undone.Count)).Order()];

    private static string CallIdOf(CallOptions call) => call.Headers!.GetValue(CallMetadata.CallId)!;

    private static Guid Parse(string prefix, string id) =>
        Ids.TryParse(prefix, id, out var key) ? key : throw new InvalidOperationException(id);

    /// <summary>
    /// Every live part of every schema as PostgreSQL writes it, except for what counts and dates the changes of a table.
    /// </summary>
    private async Task<string> CatalogueAsync(TestCaller caller) =>
        await data.ScalarAsync<string>(
            """
            select concat_ws(E'\n',
                (select string_agg(to_jsonb(x)::text, E'\n' order by id)
                    from data.database x where workspace_id = $1 and deleted_at is null),
                (select string_agg((to_jsonb(x) - array['schema_version', 'updated_at', 'updated_by'])::text, E'\n' order by id)
                    from data.database_table x where workspace_id = $1 and deleted_at is null),
                (select string_agg(to_jsonb(x)::text, E'\n' order by id) from data.field x where workspace_id = $1 and deleted_at is null
                    and exists (select from data.database_table t where t.id = x.table_id and t.deleted_at is null)),
                (select string_agg(to_jsonb(x)::text, E'\n' order by id) from data.choice x where workspace_id = $1 and removed_at is null
                    and exists (select from data.database_table t join data.field f on f.table_id = t.id
                        where f.id = x.field_id and f.deleted_at is null and t.deleted_at is null)),
                (select string_agg(to_jsonb(x)::text, E'\n' order by id) from data.view x where workspace_id = $1 and deleted_at is null))
            """,
            caller.Workspace
        );
}
