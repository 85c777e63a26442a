using System.Text.Json;
using Grpc.Core;
using Platform.Contracts;
using Platform.Data.Contracts.Events;
using Platform.Data.Contracts.V1;
using Platform.ServiceDefaults.Calls;
using Platform.Testing;
using Field = Platform.Data.Contracts.V1.Field;
using Record = Platform.Data.Contracts.V1.Record;

namespace Platform.Data.Tests;

public sealed partial class LinkFromBothSidesTests(DataFixture data) : IClassFixture<DataFixture>
{
    [Fact]
    public async Task A_link_set_from_the_other_side_changes_the_records_that_keep_it()
    {
        var (owner, customers, orders) = await ShopAsync();
        var ids = await data.CreateRecordsAsync(owner, orders, """{"No":1}""", """{"No":2}""", """{"No":3}""");
        var created = (
            await data.Records.CreateRecordAsync(
                new CreateRecordRequest
                {
                    TableId = customers.Id,
                    Fields = DataFixture.Json($$"""{"Name":"Ada","Orders":["{{ids[0]}}","{{ids[1]}}"]}"""),
                    ReturnFields = { "*" },
                },
                data.As(owner)
            )
        ).Record;
        Assert.Equal($$"""[{"id":"{{ids[0]}}","label":"1"},{"id":"{{ids[1]}}","label":"2"}]""", FieldOf(created, "Orders"));
        Assert.Equal($$"""[{"id":"{{created.Id}}","label":"Ada"}]""", await ReadAsync(owner, orders, ids[1], "Customers"));
        Assert.Equal([2L, 2L, 1L], await VersionsAsync(owner, orders));

        var bob = await data.CreateRecordAsync(owner, customers, $$"""{"Name":"Bob","Orders":"{{ids[0]}}"}""");
        Assert.Equal(
            $$"""[{"id":"{{created.Id}}","label":"Ada"},{"id":"{{bob}}","label":"Bob"}]""",
            await ReadAsync(owner, orders, ids[0], "Customers")
        );

        // Only what differs changes: the first order loses Ada, the third gets her, the second stays as it is, and so does her own version.
        var call = data.As(owner);
        var update = data.Records.UpdateRecordAsync(
            Change(customers, created.Id, $$"""{"Orders":["{{ids[2]}}","{{ids[1]}}"]}""", version: 1),
            call
        );
        var updated = (await update).Record;
        Assert.Equal($$"""[{"id":"{{ids[1]}}","label":"2"},{"id":"{{ids[2]}}","label":"3"}]""", FieldOf(updated, "Orders"));
        Assert.Equal((1, "committed"), (updated.Version, update.GetTrailers().GetValue("x-outcome")));
        Assert.Equal([4L, 2L, 2L], await VersionsAsync(owner, orders));
        Assert.Equal($$"""[{"id":"{{bob}}","label":"Bob"}]""", await ReadAsync(owner, orders, ids[0], "Customers"));

        var callId = call.Headers!.GetValue(CallMetadata.CallId)!;
        var happened = await data.Events.WaitAsync(one => one.WorkspaceId == owner.Workspace && one.Call?.CallId == callId);
        var told = happened.Read<RecordsUpdated>();
        Assert.Equal(("record.updated", orders.Id, 2), (happened.Action, told.TableId, told.Count));
        Assert.Equal([ids[0], ids[2]], told.RecordIds);
        Assert.Equal([orders.Fields[1].Id], told.FieldIds);
        var history = await data.Records.ListRecordHistoryAsync(new() { TableId = orders.Id, RecordId = ids[0] }, data.As(owner));
        Assert.Equal((callId, "update_record", 4L), (history.Changes[0].CallId, history.Changes[0].Tool, history.Changes[0].Version));
        Assert.Contains(created.Id, history.Changes[0].Before.Utf8.ToStringUtf8(), StringComparison.Ordinal);

        var same = data.Records.UpdateRecordAsync(
            Change(customers, created.Id, $$"""{"Orders":{{FieldOf(updated, "Orders")}}}"""),
            data.As(owner)
        );
        await same;
        Assert.Equal("unchanged", same.GetTrailers().GetValue("x-outcome"));
        await data.Records.UpdateRecordAsync(Change(customers, created.Id, """{"Orders":null}"""), data.As(owner));
        Assert.Equal("null", await ReadAsync(owner, orders, ids[2], "Customers"));
        Assert.Equal(
            "VERSION_CONFLICT",
            (
                await data
                    .Records.UpdateRecordAsync(Change(customers, created.Id, $$"""{"Orders":["{{ids[2]}}"]}""", version: 7), data.As(owner))
                    .ProblemAsync()
            ).Reason
        );
        Assert.Equal(
            "NOT_FOUND",
            (
                await data
                    .Records.UpdateRecordAsync(
                        Change(customers, Ids.Format("rec", Ids.New()), $$"""{"Orders":["{{ids[2]}}"]}"""),
                        data.As(owner)
                    )
                    .ProblemAsync()
            ).Reason
        );
        Assert.Equal("null", await ReadAsync(owner, orders, ids[2], "Customers"));
    }

    [Fact]
    public async Task Upserts_and_imports_set_links_from_the_other_side()
    {
        var (owner, customers, orders) = await ShopAsync(single: true);
        var ids = await data.CreateRecordsAsync(owner, orders, """{"No":1}""", """{"No":2}""", """{"No":3}""", """{"No":4}""");
        var ada = await data.CreateRecordAsync(owner, customers, $$"""{"Name":"Ada","Orders":["{{ids[0]}}"]}""");
        var request = new UpsertRecordsRequest
        {
            TableId = customers.Id,
            MatchFields = { "Name" },
            Records =
            {
                Of("""{"Name":"Ada","Orders":[]}"""),
                Of($$"""{"Name":"Bob","Orders":["{{ids[0]}}","{{ids[1]}}"]}"""),
                Of($$"""{"Name":"Cid"}"""),
            },
        };

        // What one record gives up another one of the same call can take.
        var answer = await data.Records.UpsertRecordsAsync(request, data.As(owner));
        Assert.Equal([("updated", 1L), ("created", 1), ("created", 1)], answer.Records.Select(record => (record.Outcome, record.Version)));
        Assert.Equal($$"""[{"id":"{{answer.Records[1].Id}}","label":"Bob"}]""", await ReadAsync(owner, orders, ids[0], "Customers"));
        Assert.Equal("null", await ReadAsync(owner, customers, ada, "Orders"));
        Assert.Equal([3L, 2L, 1L, 1L], await VersionsAsync(owner, orders));
        answer = await data.Records.UpsertRecordsAsync(request, data.As(owner));
        Assert.Equal(["unchanged", "unchanged", "unchanged"], answer.Records.Select(record => record.Outcome));

        var import = await ImportAsync($"Name,Orders\r\nDora,{ids[2]}; {ids[3]}\r\nEve,\r\n");
        Assert.Equal(
            $$"""[{"id":"{{ids[2]}}","label":"3"},{"id":"{{ids[3]}}","label":"4"}]""",
            await ReadAsync(owner, customers, import.RecordIds[0], "Orders")
        );
        var problem = ServiceDefaults.Calls.Problem.Read(
            await Assert.ThrowsAsync<RpcException>(() => ImportAsync($"Name,Orders\r\nFay,\r\nGus,{ids[3]}\r\n"))
        )!;
        Assert.Equal("row 3.Orders", Assert.Single(problem.Violations).Field);
        Assert.Empty((await data.SearchAsync(owner, customers, """{"operator":"IS","leftSide":"Name","rightSide":"Fay"}""")).Records);

        async Task<ImportCsvResponse> ImportAsync(string csv)
        {
            var last = new ImportCsvResponse();
            await foreach (
                var one in data
                    .Csv.ImportCsv(new ImportCsvRequest { TableId = customers.Id, Csv = csv }, data.As(owner))
                    .ResponseStream.ReadAllAsync()
            )
            {
                last = one;
            }

            return last;
        }
    }

    [Fact]
    public async Task Undo_takes_links_back_that_were_set_from_the_other_side()
    {
        var (owner, customers, orders) = await ShopAsync();
        var ada = await data.CreateRecordAsync(owner, customers, """{"Name":"Ada"}""");
        var ids = await data.CreateRecordsAsync(owner, orders, $$"""{"No":1,"Customers":["{{ada}}"]}""", """{"No":2}""");
        var before = await DumpAsync(owner, customers) + await DumpAsync(owner, orders);
        var task = (await data.Changes.BeginTaskAsync(new() { Goal = "Link" }, data.As(owner))).TaskId;
        await data.Records.CreateRecordAsync(
            new CreateRecordRequest
            {
                TableId = customers.Id,
                Fields = DataFixture.Json($$"""{"Name":"Bob","Orders":["{{ids[0]}}","{{ids[1]}}"]}"""),
            },
            data.As(owner, task: task)
        );
        await data.Records.UpdateRecordAsync(
            Change(customers, ada, $$"""{"Name":"Ida","Orders":["{{ids[1]}}"]}"""),
            data.As(owner, task: task)
        );
        Assert.NotEqual(before, await DumpAsync(owner, customers) + await DumpAsync(owner, orders));

        var request = new Platform.Changes.Contracts.V1.UndoTaskRequest { TaskId = task };
        var preview = await data.Changes.UndoTaskAsync(request, data.As(owner)).ProblemAsync();
        var part = Assert.Single(
            (await data.Changes.UndoTaskAsync(request, data.As(owner, confirmation: preview.Confirmation.Token))).Parts
        );
        Assert.Equal(0, part.LeftCount);
        Assert.Equal([("removed", 1), ("reverted", 1), ("reverted", 2)], part.Undone.Select(undone => (undone.How, undone.Count)).Order());
        Assert.Equal(before, await DumpAsync(owner, customers) + await DumpAsync(owner, orders));
    }

    [Fact]
    public async Task A_table_that_links_to_itself_is_set_from_both_sides_but_not_one_link_twice()
    {
        var owner = DataFixture.Owner();
        var database = await data.CreateDatabaseAsync(owner, "Shop");
        var people = await TableAsync(owner, database, "People", DataFixture.Of("Name", FieldType.Text));
        await data.Tables.CreateFieldAsync(
            new CreateFieldRequest { TableId = people.Id, Field = Link("Parent", people.Id, "Children", single: true) },
            data.As(owner)
        );
        var ids = await data.CreateRecordsAsync(owner, people, """{"Name":"Ada"}""", """{"Name":"Bob"}""", """{"Name":"Cid"}""");
        await data.Records.UpdateRecordAsync(
            Change(people, ids[1], $$"""{"Parent":"{{ids[0]}}","Children":["{{ids[2]}}"]}"""),
            data.As(owner)
        );
        Assert.Equal($$"""[{"id":"{{ids[1]}}","label":"Bob"}]""", await ReadAsync(owner, people, ids[2], "Parent"));
        Assert.Equal($$"""[{"id":"{{ids[1]}}","label":"Bob"}]""", await ReadAsync(owner, people, ids[0], "Children"));

        // Two records of one upsert, one of which keeps the link that the other sets: its version is the one it ends with.
        var request = new UpsertRecordsRequest
        {
            TableId = people.Id,
            MatchFields = { "Name" },
            Records =
            {
                Of("""{"Name":"Bob","Children":[]}"""),
                Of($$"""{"Name":"Dora","Children":["{{ids[2]}}"]}"""),
                Of("""{"Name":"Cid"}"""),
            },
        };
        var answer = await data.Records.UpsertRecordsAsync(request, data.As(owner));
        Assert.Equal(
            [("updated", 2L), ("created", 1), ("unchanged", 3)],
            answer.Records.Select(record => (record.Outcome, record.Version))
        );
        Assert.Equal(3, (await data.GetRecordAsync(owner, people, ids[2])).Version);

        request.Records[0] = Of($$"""{"Name":"Bob","Children":["{{ids[0]}}"]}""");
        request.Records[2] = Of($$"""{"Name":"Ada","Parent":null}""");
        var twice = Assert.Single((await data.Records.UpsertRecordsAsync(request, data.As(owner)).ProblemAsync()).Violations);
        Assert.Equal(("records[0].fields.Children", $"{ids[0]} has Parent in the same call"), (twice.Field, twice.Rule));
    }

    [Fact]
    public async Task Eight_that_replace_the_links_of_one_record_leave_those_of_one()
    {
        var (owner, customers, orders) = await ShopAsync();
        var ids = await data.CreateRecordsAsync(owner, orders, [.. Enumerable.Range(0, 8).Select(n => $$"""{"No":{{n}}}""")]);
        var ada = await data.CreateRecordAsync(owner, customers, """{"Name":"Ada"}""");
        await Task.WhenAll(
            ids.Select(id =>
                data.Records.UpdateRecordAsync(Change(customers, ada, $$"""{"Orders":["{{id}}"]}"""), data.As(owner)).ResponseAsync
            )
        );
        Assert.Single((await data.SearchAsync(owner, orders, """{"operator":"IS_NOT_EMPTY","leftSide":"Customers"}""")).Records);
    }

    private static NewRecord Of(string fields) => new() { Fields = DataFixture.Json(fields) };

    private async Task<(TestCaller Owner, Table Customers, Table Orders)> ShopAsync(bool single = false, bool required = false)
    {
        var owner = DataFixture.Owner();
        var database = await data.CreateDatabaseAsync(owner, "Shop");
        var customers = await TableAsync(owner, database, "Customers", DataFixture.Of("Name", FieldType.Text));
        var link = Link("Customers", customers.Id, single: single);
        link.Required = required;
        return (owner, customers, await TableAsync(owner, database, "Orders", DataFixture.Of("No", FieldType.Number), link));
    }

    private async Task<Table> TableAsync(TestCaller owner, Database database, string name, params Field[] fields) =>
        (
            await data.Tables.CreateTableAsync(
                new CreateTableRequest
                {
                    DatabaseId = database.Id,
                    Name = name,
                    Fields = { fields },
                },
                data.As(owner)
            )
        ).Table;

    private static Field Link(string name, string table, string inverse = "", bool single = false) =>
        new()
        {
            Name = name,
            Type = FieldType.Link,
            LinkTableId = table,
            LinkField = inverse,
            Single = single,
        };

    private async Task<string> ReadAsync(TestCaller owner, Table table, string id, string field) =>
        FieldOf(await data.GetRecordAsync(owner, table, id), field);

    private static string FieldOf(Record record, string field) =>
        JsonDocument.Parse(record.Fields.Utf8.Memory).RootElement.GetProperty(field).GetRawText();

    private async Task<IEnumerable<long>> VersionsAsync(TestCaller owner, Table table) =>
        (await data.SearchAsync(owner, table)).Records.Select(record => record.Version);

    private Task<string> DumpAsync(TestCaller owner, Table table) =>
        data.ScalarAsync<string>(
            $"select string_agg((to_jsonb(r) - 'version')::text, E'\\n' order by id) from {DataFixture.NameOf(owner, table)} r"
        );

    private static UpdateRecordRequest Change(Table table, string id, string fields, long? version = null)
    {
        var request = new UpdateRecordRequest
        {
            TableId = table.Id,
            RecordId = id,
            Fields = DataFixture.Json(fields),
            ReturnFields = { "*" },
        };
        if (version is { } expected)
        {
            request.ExpectedVersion = expected;
        }

        return request;
    }
}
