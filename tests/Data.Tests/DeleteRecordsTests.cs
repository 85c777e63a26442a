using System.Text.Json;
using Platform.Contracts;
using Platform.Data.Contracts.Events;
using Platform.Data.Contracts.V1;
using Platform.Testing;

namespace Platform.Data.Tests;

public sealed class DeleteRecordsTests(DataFixture data) : IClassFixture<DataFixture>
{
    [Fact]
    public async Task The_first_call_previews_and_the_second_deletes_what_was_shown()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(owner, DataFixture.Of("Name", FieldType.Text));
        var ids = await data.CreateRecordsAsync(owner, table, """{"Name":"a"}""", """{"Name":"b"}""", """{"Name":"c"}""");
        var request = new DeleteRecordsRequest { TableId = table.Id, RecordIds = { ids[0], ids[1] } };

        var preview = await data.Records.DeleteRecordsAsync(request, data.As(owner)).ProblemAsync();
        Assert.Equal("CONFIRMATION_REQUIRED", preview.Reason);
        var shown = JsonDocument.Parse(preview.Confirmation.Preview.Utf8.Memory).RootElement;
        Assert.Equal(
            (2, "a"),
            (shown.GetProperty("count").GetInt32(), shown.GetProperty("records")[0].GetProperty("fields").GetProperty("Name").GetString())
        );
        Assert.Equal(3, (await data.SearchAsync(owner, table)).Records.Count);

        var answers = await Task.WhenAll(
            Enumerable
                .Range(0, 8)
                .Select(async _ =>
                {
                    try
                    {
                        return (await data.Records.DeleteRecordsAsync(request, data.As(owner, confirmation: preview.Confirmation.Token)))
                            .RecordIds
                            .Count;
                    }
                    catch (Grpc.Core.RpcException)
                    {
                        return 0;
                    }
                })
        );
        Assert.Equal([2], answers.Where(count => count > 0));
        Assert.Equal([ids[2]], (await data.SearchAsync(owner, table)).Records.Select(record => record.Id));
        Assert.Equal(
            "NOT_FOUND",
            (
                await data
                    .Records.GetRecordAsync(new GetRecordRequest { TableId = table.Id, RecordId = ids[0] }, data.As(owner))
                    .ProblemAsync()
            ).Reason
        );
        Assert.Equal(
            2L,
            await data.ScalarAsync<long>(
                $"select count(*) from {DataFixture.NameOf(owner, table)} where deleted_at is not null and version = 2"
            )
        );
        Assert.Equal(
            2L,
            await data.ScalarAsync<long>(
                "select count(*) from data.record_before b join data.record_change c on c.id = b.change_id "
                    + "where b.workspace_id = $1 and c.kind = 'deleted'",
                owner.Workspace
            )
        );
        var announced = await data.Events.WaitAsync(happened =>
            happened.WorkspaceId == owner.Workspace && happened.Type == nameof(RecordsDeleted)
        );
        Assert.Equal([ids[0], ids[1]], announced.Read<RecordsDeleted>().RecordIds);
    }

    [Fact]
    public async Task A_record_changed_after_the_preview_is_not_deleted()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(owner, DataFixture.Of("Name", FieldType.Text));
        var id = await data.CreateRecordAsync(owner, table, """{"Name":"a"}""");
        var request = new DeleteRecordsRequest { TableId = table.Id, RecordIds = { id } };
        var preview = await data.Records.DeleteRecordsAsync(request, data.As(owner)).ProblemAsync();
        await data.Records.UpdateRecordAsync(
            new UpdateRecordRequest
            {
                TableId = table.Id,
                RecordId = id,
                Fields = DataFixture.Json("""{"Name":"b"}"""),
            },
            data.As(owner)
        );
        Assert.Equal(
            "CONFIRMATION_STALE",
            (await data.Records.DeleteRecordsAsync(request, data.As(owner, confirmation: preview.Confirmation.Token)).ProblemAsync()).Reason
        );
        Assert.Single((await data.SearchAsync(owner, table)).Records);
    }

    [Fact]
    public async Task A_record_that_others_link_to_since_the_preview_is_not_deleted()
    {
        var owner = DataFixture.Owner();
        var customers = await data.CreateTableAsync(owner, DataFixture.Of("Name", FieldType.Text));
        var link = DataFixture.Of("Customer", FieldType.Link);
        link.LinkTableId = customers.Id;
        var create = new CreateTableRequest
        {
            DatabaseId = customers.DatabaseId,
            Name = "Orders",
            Fields = { DataFixture.Of("No", FieldType.Number), link },
        };
        var orders = (await data.Tables.CreateTableAsync(create, data.As(owner))).Table;
        var ada = await data.CreateRecordAsync(owner, customers, """{"Name":"Ada"}""");
        var request = new DeleteRecordsRequest { TableId = customers.Id, RecordIds = { ada } };
        var preview = await data.Records.DeleteRecordsAsync(request, data.As(owner)).ProblemAsync();
        await data.CreateRecordAsync(owner, orders, $$"""{"No":1,"Customer":["{{ada}}"]}""");

        var stale = await data.Records.DeleteRecordsAsync(request, data.As(owner, confirmation: preview.Confirmation.Token)).ProblemAsync();
        Assert.Equal("CONFIRMATION_STALE", stale.Reason);
        preview = await data.Records.DeleteRecordsAsync(request, data.As(owner)).ProblemAsync();
        Assert.Contains("Orders", preview.Confirmation.Preview.Utf8.ToStringUtf8(), StringComparison.Ordinal);
        await data.Records.DeleteRecordsAsync(request, data.As(owner, confirmation: preview.Confirmation.Token));
    }

    [Fact]
    public async Task A_deleted_unique_value_is_free_again()
    {
        var owner = DataFixture.Owner();
        var name = DataFixture.Of("Name", FieldType.Text);
        name.Unique = true;
        var table = await data.CreateTableAsync(owner, name);
        var request = new DeleteRecordsRequest
        {
            TableId = table.Id,
            RecordIds = { await data.CreateRecordAsync(owner, table, """{"Name":"a"}""") },
        };
        var preview = await data.Records.DeleteRecordsAsync(request, data.As(owner)).ProblemAsync();
        await data.Records.DeleteRecordsAsync(request, data.As(owner, confirmation: preview.Confirmation.Token));
        await data.CreateRecordAsync(owner, table, """{"Name":"a"}""");
    }

    [Fact]
    public async Task One_missing_record_refuses_all_and_only_those_who_may_come_that_far()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(owner, DataFixture.Of("Name", FieldType.Text));
        var missing = Ids.Format("rec", Ids.New());
        var request = new DeleteRecordsRequest
        {
            TableId = table.Id,
            RecordIds = { await data.CreateRecordAsync(owner, table, "{}"), missing },
        };
        var problem = await data.Records.DeleteRecordsAsync(request, data.As(owner)).ProblemAsync();
        Assert.Equal("NOT_FOUND", problem.Reason);
        Assert.Contains(missing, problem.Message, StringComparison.Ordinal);
        Assert.Equal(
            "PERMISSION_DENIED",
            (await data.Records.DeleteRecordsAsync(request, data.As(owner with { Role = Roles.Viewer })).ProblemAsync()).Reason
        );
        Assert.Equal("NOT_FOUND", (await data.Records.DeleteRecordsAsync(request, data.As(DataFixture.Owner())).ProblemAsync()).Reason);
        Assert.Equal(
            "NOT_FOUND",
            (await data.Records.DeleteRecordsAsync(request, data.As(owner with { Environment = Ids.New() })).ProblemAsync()).Reason
        );
    }
}
