using System.Text.Json;
using Platform.Contracts;
using Platform.Data.Contracts.V1;
using Platform.Testing;

namespace Platform.Data.Tests;

public sealed partial class LinkTests
{
    [Fact]
    public async Task Links_to_a_deleted_record_vanish_and_the_preview_counts_them()
    {
        var (owner, customers, orders) = await ShopAsync();
        var people = await data.CreateRecordsAsync(owner, customers, """{"Name":"Ada"}""", """{"Name":"Bob"}""");
        var ids = await data.CreateRecordsAsync(
            owner,
            orders,
            $$"""{"No":1,"Customers":["{{people[0]}}","{{people[1]}}"]}""",
            $$"""{"No":2,"Customers":["{{people[0]}}"]}"""
        );
        var request = new DeleteRecordsRequest { TableId = customers.Id, RecordIds = { people[0] } };
        var preview = await data.Records.DeleteRecordsAsync(request, data.As(owner)).ProblemAsync();
        var linked = JsonDocument.Parse(preview.Confirmation.Preview.Utf8.Memory).RootElement.GetProperty("linkedFrom")[0];
        Assert.Equal(
            ("Orders", "Customers", 2),
            (linked.GetProperty("table").GetString(), linked.GetProperty("field").GetString(), linked.GetProperty("records").GetInt32())
        );
        await data.Records.DeleteRecordsAsync(request, data.As(owner, confirmation: preview.Confirmation.Token));

        Assert.Equal($$"""[{"id":"{{people[1]}}","label":"Bob"}]""", await ReadAsync(owner, orders, ids[0], "Customers"));
        Assert.Equal("null", await ReadAsync(owner, orders, ids[1], "Customers"));
        Assert.Equal([ids[1]], await FindAsync(owner, orders, """{"operator":"IS_EMPTY","leftSide":"Customers"}"""));
        Assert.Empty(
            await FindAsync(owner, orders, $$"""{"operator":"HAS_ANY_OF","leftSide":"Customers","rightSide":["{{people[0]}}"]}""")
        );
        Assert.Equal(
            [ids[0]],
            await FindAsync(owner, orders, $$"""{"operator":"IS","leftSide":"Customers","rightSide":["{{people[1]}}"]}""")
        );
        Assert.Equal(
            "INVALID_ARGUMENT",
            (
                await data
                    .Records.UpdateRecordAsync(Change(orders, ids[1], $$"""{"Customers":"{{people[0]}}"}"""), data.As(owner))
                    .ProblemAsync()
            ).Reason
        );

        // The order is gone, and so is what the customer shows of it; its version and history are its own.
        var second = new DeleteRecordsRequest { TableId = orders.Id, RecordIds = { ids[0] } };
        preview = await data.Records.DeleteRecordsAsync(second, data.As(owner)).ProblemAsync();
        await data.Records.DeleteRecordsAsync(second, data.As(owner, confirmation: preview.Confirmation.Token));
        Assert.Equal("null", await ReadAsync(owner, customers, people[1], "Orders"));
        Assert.Equal([people[1]], await FindAsync(owner, customers, """{"operator":"IS_EMPTY","leftSide":"Orders"}"""));

        // Restored, as undo does it, it brings its links back.
        await data.ExecuteAsync($"update {DataFixture.NameOf(owner, customers)} set deleted_at = null");
        Assert.Equal($$"""[{"id":"{{people[0]}}","label":"Ada"}]""", await ReadAsync(owner, orders, ids[1], "Customers"));
    }

    [Fact]
    public async Task A_link_is_kept_in_history_like_every_value()
    {
        var (owner, customers, orders) = await ShopAsync();
        var ada = await data.CreateRecordAsync(owner, customers, """{"Name":"Ada"}""");
        var order = await data.CreateRecordAsync(owner, orders, $$"""{"Customers":["{{ada}}"]}""");
        await data.Records.UpdateRecordAsync(Change(orders, order, """{"Customers":null}"""), data.As(owner));
        var column = "c_" + orders.Fields[1].Id["fld_".Length..];
        var kept = await data.ScalarAsync<string>(
            "select before ->> $2 from data.record_before where workspace_id = $1",
            owner.Workspace,
            column
        );
        Assert.Equal(ada, Ids.Format("rec", Guid.Parse(JsonDocument.Parse(kept).RootElement[0].GetString()!)));
    }

    [Fact]
    public async Task Undo_brings_links_back_with_a_changed_value_and_with_a_deleted_record()
    {
        var (owner, customers, orders) = await ShopAsync();
        var ada = await data.CreateRecordAsync(owner, customers, """{"Name":"Ada"}""");
        var order = await data.CreateRecordAsync(owner, orders, $$"""{"No":1,"Customers":["{{ada}}"]}""");
        var clear = data.As(owner);
        await data.Records.UpdateRecordAsync(Change(orders, order, """{"Customers":null}"""), clear);
        await UndoAsync(clear);
        Assert.Equal($$"""[{"id":"{{ada}}","label":"Ada"}]""", await ReadAsync(owner, orders, order, "Customers"));

        var request = new DeleteRecordsRequest { TableId = customers.Id, RecordIds = { ada } };
        var delete = data.As(
            owner,
            confirmation: (await data.Records.DeleteRecordsAsync(request, data.As(owner)).ProblemAsync()).Confirmation.Token
        );
        await data.Records.DeleteRecordsAsync(request, delete);
        Assert.Equal("null", await ReadAsync(owner, orders, order, "Customers"));
        await UndoAsync(delete);
        Assert.Equal($$"""[{"id":"{{ada}}","label":"Ada"}]""", await ReadAsync(owner, orders, order, "Customers"));
        Assert.Equal($$"""[{"id":"{{order}}","label":"1"}]""", await ReadAsync(owner, customers, ada, "Orders"));
        var history = await data.Records.ListRecordHistoryAsync(
            new ListRecordHistoryRequest { TableId = orders.Id, RecordId = order },
            data.As(owner)
        );
        Assert.Contains(history.Changes, change => change.Before.Utf8.ToStringUtf8().Contains(ada, StringComparison.Ordinal));

        async Task UndoAsync(Grpc.Core.CallOptions call)
        {
            var undo = new Platform.Changes.Contracts.V1.UndoChangeRequest
            {
                CallId = call.Headers!.GetValue(ServiceDefaults.Calls.CallMetadata.CallId)!,
            };
            var preview = await data.Changes.UndoChangeAsync(undo, data.As(owner)).ProblemAsync();
            await data.Changes.UndoChangeAsync(undo, data.As(owner, confirmation: preview.Confirmation.Token));
        }
    }
}
