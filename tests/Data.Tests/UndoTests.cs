using System.Text.Json;
using Grpc.Core;
using Platform.Changes.Contracts.V1;
using Platform.Contracts;
using Platform.Data.Contracts.V1;
using Platform.ServiceDefaults.Calls;
using Platform.Testing;

namespace Platform.Data.Tests;

public sealed partial class UndoTests(DataFixture data) : IClassFixture<DataFixture>
{
    [Fact]
    public async Task What_others_changed_since_is_left_alone_and_named()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(owner, DataFixture.Of("N", FieldType.Number));
        var ids = await data.CreateRecordsAsync(owner, table, """{"N":1}""", """{"N":2}""", """{"N":3}""");
        var task = await BeginAsync(owner);
        foreach (var id in ids)
        {
            await UpdateAsync(owner, table, id, """{"N":10}""", task);
        }

        var other = owner with { Member = Ids.New() };
        var callId = await UpdateAsync(other, table, ids[1], """{"N":20}""", null);
        await UpdateAsync(other, table, ids[2], """{"N":20}""", null);
        await UpdateAsync(owner, table, ids[2], """{"N":30}""", task);

        var part = await UndoAsync(owner, task);
        Assert.Equal([ids[0], ids[2]], Assert.Single(part.Undone).Ids);
        Assert.Equal(2, part.LeftCount);
        var left = part.Left.Single(one => one.Id == ids[1]);
        Assert.Equal(("CHANGED_SINCE", Ids.Format("mbr", other.Member!.Value), callId), (left.Reason, left.ChangedBy, left.CallId));
        Assert.Equal(
            ["1", "20", "20"],
            (await data.SearchAsync(owner, table)).Records.Select(record =>
                JsonDocument.Parse(record.Fields.Utf8.Memory).RootElement.GetProperty("N").GetRawText()
            )
        );
    }

    [Fact]
    public async Task A_value_that_is_taken_by_now_is_left_alone()
    {
        var owner = DataFixture.Owner();
        var name = DataFixture.Of("Name", FieldType.Text);
        name.Unique = true;
        var table = await data.CreateTableAsync(owner, name);
        var ids = await data.CreateRecordsAsync(owner, table, """{"Name":"a"}""", """{"Name":"b"}""");
        var task = await BeginAsync(owner);
        await DeleteAsync(owner, table, ids, task);
        var taker = await data.CreateRecordAsync(owner, table, """{"Name":"a"}""");
        var part = await UndoAsync(owner, task);
        Assert.Equal([ids[1]], Assert.Single(part.Undone).Ids);
        var left = Assert.Single(part.Left);
        Assert.Equal((ids[0], "VALUE_TAKEN"), (left.Id, left.Reason));
        Assert.Contains(taker, left.Why, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_undo_can_be_undone_and_undone_again_and_history_tells_it_all()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(owner, DataFixture.Of("Name", FieldType.Text), DataFixture.Of("N", FieldType.Number));
        var first = data.As(owner);
        var id = (await data.Records.CreateRecordsAsync(DataFixture.New(table, """{"Name":"Ada","N":1}"""), first)).RecordIds[0];
        var second = await UpdateAsync(owner, table, id, """{"N":2}""", null);
        var now = await DumpAsync(owner, table);

        // The older of two changes waits for the newer one.
        var blocked = Assert.Single((await data.Changes.UndoChangeAsync(new() { CallId = CallIdOf(first) }, data.As(owner))).Parts);
        Assert.Equal((second, 1, 0), (Assert.Single(blocked.Left).CallId, blocked.LeftCount, blocked.Undone.Count));

        var undo = await UndoChangeAsync(owner, second);
        Assert.Equal(1, await ValueAsync());
        var gone = await UndoChangeAsync(owner, CallIdOf(first));
        Assert.Equal(0L, await data.ScalarAsync<long>($"select count(*) from {DataFixture.NameOf(owner, table)}"));
        await UndoChangeAsync(owner, gone);
        Assert.Equal(1, await ValueAsync());
        await UndoChangeAsync(owner, undo);
        Assert.Equal(now, await DumpAsync(owner, table));
        await UndoChangeAsync(owner, second);
        Assert.Equal(1, await ValueAsync());

        var history = await data.Records.ListRecordHistoryAsync(new() { TableId = table.Id, RecordId = id }, data.As(owner));
        Assert.Equal(
            ["undone", "undone", "undone", "undone", "undone", "updated", "created"],
            history.Changes.Select(change => change.Kind)
        );
        Assert.Equal([7, 6, 5, 4, 3, 2, 1], history.Changes.Select(change => change.Version));
        Assert.Equal((second, """{"N":1}"""), (history.Changes[5].CallId, history.Changes[5].Before.Utf8.ToStringUtf8()));
        Assert.Equal((CallIdOf(first), "{}"), (history.Changes[6].CallId, history.Changes[6].Before.Utf8.ToStringUtf8()));
        Assert.Equal("""{"Name":"Ada","N":2}""", history.Changes[0].Before.Utf8.ToStringUtf8());

        var page = await data.Records.ListRecordHistoryAsync(
            new()
            {
                TableId = table.Id,
                RecordId = id,
                Limit = 5,
            },
            data.As(owner)
        );
        Assert.True(page.Page.HasMore);
        page = await data.Records.ListRecordHistoryAsync(
            new()
            {
                TableId = table.Id,
                RecordId = id,
                Limit = 5,
                Cursor = page.Page.NextCursor,
            },
            data.As(owner)
        );
        Assert.Equal([2, 1], page.Changes.Select(change => change.Version));
        Assert.False(page.Page.HasMore);

        async Task<int> ValueAsync() =>
            JsonDocument.Parse((await data.GetRecordAsync(owner, table, id)).Fields.Utf8.Memory).RootElement.GetProperty("N").GetInt32();
    }

    [Fact]
    public async Task Of_eight_undos_at_once_one_acts_and_a_change_after_the_preview_needs_a_new_one()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(owner, DataFixture.Of("N", FieldType.Number));
        var ids = await data.CreateRecordsAsync(owner, table, """{"N":1}""", """{"N":2}""");
        var task = await BeginAsync(owner);
        await UpdateAsync(owner, table, ids[0], """{"N":10}""", task);
        await UpdateAsync(owner, table, ids[1], """{"N":20}""", task);
        var request = new UndoTaskRequest { TaskId = task };
        var stale = await data.Changes.UndoTaskAsync(request, data.As(owner)).ProblemAsync();
        await UpdateAsync(owner, table, ids[1], """{"N":21}""", null);
        Assert.Equal(
            "CONFIRMATION_STALE",
            (await data.Changes.UndoTaskAsync(request, data.As(owner, confirmation: stale.Confirmation.Token)).ProblemAsync()).Reason
        );

        var fresh = await data.Changes.UndoTaskAsync(request, data.As(owner)).ProblemAsync();
        var undone = await Task.WhenAll(
            Enumerable
                .Range(0, 8)
                .Select(async _ =>
                {
                    try
                    {
                        return (await data.Changes.UndoTaskAsync(request, data.As(owner, confirmation: fresh.Confirmation.Token)))
                            .Parts[0]
                            .Undone.Sum(one => one.Count);
                    }
                    catch (RpcException exception)
                    {
                        Assert.Equal("CONFIRMATION_USED", ServiceDefaults.Calls.Problem.Read(exception)!.Reason);
                        return 0;
                    }
                })
        );
        Assert.Equal(1, undone.Sum());
        Assert.Equal(
            1L,
            await data.ScalarAsync<long>(
                "select count(*) from data.record_change where workspace_id = $1 and kind = 'undone'",
                owner.Workspace
            )
        );
    }

    [Fact]
    public async Task A_task_is_its_members_in_its_environment_and_an_undo_needs_the_permissions_of_what_it_takes_back()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(owner, DataFixture.Of("N", FieldType.Number));
        var task = await BeginAsync(owner);
        Assert.Equal("TASK_NOT_FOUND", (await Try(owner with { Member = Ids.New() }, task)).Reason);
        Assert.Equal("TASK_NOT_FOUND", (await Try(owner, "tsk_made_up")).Reason);
        Assert.Equal("TASK_NOT_FOUND", (await Try(owner, Ids.Format("tsk", Ids.New()))).Reason);
        await data.Records.CreateRecordsAsync(DataFixture.New(table, """{"N":1}"""), data.As(owner, task: task));

        var elsewhere = owner with { Environment = Ids.New() };
        foreach (var stranger in new[] { elsewhere, DataFixture.Owner() })
        {
            Assert.Equal(
                "TASK_NOT_FOUND",
                (await data.Changes.UndoTaskAsync(new() { TaskId = task }, data.As(stranger)).ProblemAsync()).Reason
            );
            Assert.Equal(
                "TASK_NOT_FOUND",
                (await data.Changes.SummarizeTaskAsync(new() { TaskId = task }, data.As(stranger)).ProblemAsync()).Reason
            );
        }

        var call = await data.ScalarAsync<string>("select call_id from data.record_change where workspace_id = $1", owner.Workspace);
        Assert.Equal(
            "CHANGE_NOT_FOUND",
            (await data.Changes.UndoChangeAsync(new() { CallId = call }, data.As(elsewhere)).ProblemAsync()).Reason
        );
        Assert.Equal(
            "PERMISSION_DENIED",
            (await data.Changes.UndoTaskAsync(new() { TaskId = task }, data.As(owner with { Role = Roles.Viewer })).ProblemAsync()).Reason
        );
        var writer = owner with { Permissions = ["databases.records:read", "databases.records:write", "workspace:read"] };
        var left = Assert.Single(Assert.Single((await data.Changes.UndoTaskAsync(new() { TaskId = task }, data.As(writer))).Parts).Left);
        Assert.Equal("PERMISSION_DENIED", left.Reason);
        Assert.Contains("databases.records:delete", left.Why, StringComparison.Ordinal);
        Assert.Equal("INVALID_ARGUMENT", (await data.Changes.BeginTaskAsync(new(), data.As(owner)).ProblemAsync()).Reason);

        var repeated = await Task.WhenAll(
            Enumerable
                .Range(0, 8)
                .Select(_ => data.Changes.BeginTaskAsync(new() { Goal = "again" }, data.As(owner, idempotencyKey: "b")).ResponseAsync)
        );
        Assert.Single(repeated.Select(answer => answer.TaskId).Distinct());

        Task<ProblemDetail> Try(TestCaller caller, string named) =>
            data.Records.CreateRecordsAsync(DataFixture.New(table, """{"N":1}"""), data.As(caller, task: named)).ProblemAsync();
    }

    private async Task<string> BeginAsync(TestCaller caller) =>
        (await data.Changes.BeginTaskAsync(new() { Goal = "Tidy up" }, data.As(caller))).TaskId;

    private async Task<UndoPart> UndoAsync(TestCaller caller, string task)
    {
        var request = new UndoTaskRequest { TaskId = task };
        var preview = await data.Changes.UndoTaskAsync(request, data.As(caller)).ProblemAsync();
        return Assert.Single((await data.Changes.UndoTaskAsync(request, data.As(caller, confirmation: preview.Confirmation.Token))).Parts);
    }

    private async Task<string> UndoChangeAsync(TestCaller caller, string callId)
    {
        var request = new UndoChangeRequest { CallId = callId };
        var preview = await data.Changes.UndoChangeAsync(request, data.As(caller)).ProblemAsync();
        Assert.Equal("CONFIRMATION_REQUIRED", preview.Reason);
        var call = data.As(caller, confirmation: preview.Confirmation.Token);
        Assert.NotEmpty((await data.Changes.UndoChangeAsync(request, call)).Parts[0].Undone);
        return CallIdOf(call);
    }

    private async Task<string> UpdateAsync(TestCaller caller, Table table, string id, string fields, string? task)
    {
        var call = data.As(caller, task: task);
        await data.Records.UpdateRecordAsync(
            new UpdateRecordRequest
            {
                TableId = table.Id,
                RecordId = id,
                Fields = DataFixture.Json(fields),
            },
            call
        );
        return CallIdOf(call);
    }

    private async Task DeleteAsync(TestCaller caller, Table table, IEnumerable<string> ids, string? task)
    {
        var request = new DeleteRecordsRequest { TableId = table.Id, RecordIds = { ids } };
        var preview = await data.Records.DeleteRecordsAsync(request, data.As(caller, task: task)).ProblemAsync();
        await data.Records.DeleteRecordsAsync(request, data.As(caller, confirmation: preview.Confirmation.Token, task: task));
    }

    private static string CallIdOf(CallOptions call) => call.Headers!.GetValue(CallMetadata.CallId)!;

    /// <summary>Every row and every column as PostgreSQL writes them; only versions, which count changes, are left out.</summary>
    private async Task<string> DumpAsync(TestCaller caller, Table table)
    {
        var name = DataFixture.NameOf(caller, table);
        var columns = await data.ScalarAsync<string>(
            "select string_agg(attname, ', ' order by attnum) from pg_attribute "
                + "where attrelid = $1::regclass and attnum > 0 and attname <> 'version'",
            name
        );
        return await data.ScalarAsync<string>($"select string_agg(row({columns})::text, E'\\n' order by id) from {name}");
    }
}
