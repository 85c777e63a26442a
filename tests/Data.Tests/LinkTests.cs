using System.Text.Json;
using Platform.Contracts;
using Platform.Data.Contracts.Events;
using Platform.Data.Contracts.V1;
using Platform.Testing;
using Field = Platform.Data.Contracts.V1.Field;

namespace Platform.Data.Tests;

public sealed partial class LinkTests(DataFixture data) : IClassFixture<DataFixture>
{
    [Fact]
    public async Task A_link_reads_as_ids_and_labels_from_both_sides()
    {
        var (owner, customers, orders) = await ShopAsync();
        var (ada, bob) = (
            await data.CreateRecordAsync(owner, customers, """{"Name":"Ada"}"""),
            await data.CreateRecordAsync(owner, customers, """{"Name":"Bob"}""")
        );
        var ids = await data.CreateRecordsAsync(
            owner,
            orders,
            $$"""{"No":1,"Customers":["{{bob}}","{{ada}}"]}""",
            $$"""{"No":2,"Customers":["{{ada}}"]}""",
            """{"No":3}"""
        );

        Assert.Equal(
            $$"""[{"id":"{{bob}}","label":"Bob"},{"id":"{{ada}}","label":"Ada"}]""",
            await ReadAsync(owner, orders, ids[0], "Customers")
        );
        Assert.Equal("null", await ReadAsync(owner, orders, ids[2], "Customers"));
        Assert.Equal(
            $$"""[{"id":"{{ids[0]}}","label":"1"},{"id":"{{ids[1]}}","label":"2"}]""",
            await ReadAsync(owner, customers, ada, "Orders")
        );

        var fields = (await data.Tables.ListFieldsAsync(new ListFieldsRequest { TableId = customers.Id }, data.As(owner))).Fields;
        Assert.Equal(
            ("Orders", orders.Id, "Customers", true),
            (fields[1].Name, fields[1].LinkTableId, fields[1].LinkField, fields[1].Inverse)
        );
        Assert.Equal((customers.Id, "Orders", false), (orders.Fields[1].LinkTableId, orders.Fields[1].LinkField, orders.Fields[1].Inverse));
        var announced = await data.Events.WaitAsync(happened =>
            happened.WorkspaceId == owner.Workspace && happened.Type == nameof(FieldCreated)
        );
        Assert.Equal(("field.created", "Orders"), (announced.Action, announced.Read<FieldCreated>().Name));

        // What was read can be sent.
        var read = await ReadAsync(owner, orders, ids[0], "Customers");
        var same = data.Records.UpdateRecordAsync(Change(orders, ids[0], $$"""{"Customers":{{read}}}"""), data.As(owner));
        Assert.Equal(1, (await same).Record.Version);
        await data.Records.UpdateRecordAsync(Change(orders, ids[0], $$"""{"Customers":"{{ada}}"}"""), data.As(owner));
        Assert.Equal("null", await ReadAsync(owner, customers, bob, "Orders"));
    }

    [Fact]
    public async Task What_is_no_record_of_the_linked_table_is_refused_by_name()
    {
        var (owner, customers, orders) = await ShopAsync(single: true);
        var ada = await data.CreateRecordAsync(owner, customers, """{"Name":"Ada"}""");
        var bob = await data.CreateRecordAsync(owner, customers, """{"Name":"Bob"}""");
        var order = await data.CreateRecordAsync(owner, orders, "{}");
        var unknown = Ids.Format("rec", Ids.New());
        var problem = await data
            .Records.CreateRecordsAsync(
                DataFixture.New(
                    orders,
                    $$"""{"Customers":"{{order}}"}""",
                    $$"""{"Customers":["{{unknown}}"]}""",
                    $$"""{"Customers":"{{ada}}"}"""
                ),
                data.As(owner)
            )
            .ProblemAsync();
        Assert.Equal(
            ["records[0].fields.Customers", "records[1].fields.Customers"],
            problem.Violations.Select(violation => violation.Field)
        );
        Assert.StartsWith(order, problem.Violations[0].Rule, StringComparison.Ordinal);
        Assert.EndsWith("is not a record of Customers", problem.Violations[1].Rule, StringComparison.Ordinal);
        foreach (
            var value in new[]
            {
                $$"""["{{ada}}","{{bob}}"]""",
                $$"""["{{ada}}","{{ada}}"]""",
                "1",
                "\"Ada\"",
                $$"""[["{{ada}}"]]""",
                $$"""["{{unknown}}"]""",
            }
        )
        {
            Assert.Equal(
                "fields.Customers",
                Assert
                    .Single(
                        (
                            await data
                                .Records.UpdateRecordAsync(Change(orders, order, $$"""{"Customers":{{value}}}"""), data.As(owner))
                                .ProblemAsync()
                        ).Violations
                    )
                    .Field
            );
            Assert.Equal(
                "INVALID_ARGUMENT",
                (
                    await data
                        .Records.UpsertRecordsAsync(
                            new UpsertRecordsRequest
                            {
                                TableId = orders.Id,
                                MatchFields = { "No" },
                                Records = { new NewRecord { Fields = DataFixture.Json($$"""{"No":9,"Customers":{{value}}}""") } },
                            },
                            data.As(owner)
                        )
                        .ProblemAsync()
                ).Reason
            );
        }

        Assert.Single((await data.SearchAsync(owner, orders)).Records);
    }

    [Fact]
    public async Task Links_filter_from_both_sides()
    {
        var (owner, customers, orders) = await ShopAsync();
        var people = await data.CreateRecordsAsync(
            owner,
            customers,
            """{"Name":"Ada"}""",
            """{"Name":"Bob"}""",
            """{"Name":"Cid"}""",
            "{}"
        );
        var ids = await data.CreateRecordsAsync(
            owner,
            orders,
            $$"""{"No":1,"Customers":["{{people[0]}}","{{people[1]}}"]}""",
            $$"""{"No":2,"Customers":["{{people[1]}}"]}""",
            """{"No":3}""",
            $$"""{"No":4,"Customers":["{{people[3]}}"]}"""
        );

        await AssertFoundAsync(orders, "Customers", "HAS_ANY_OF", new[] { people[0], people[3] }, ids[0], ids[3]);
        await AssertFoundAsync(orders, "Customers", "HAS_ALL_OF", new[] { people[0], people[1] }, ids[0]);
        await AssertFoundAsync(orders, "Customers", "HAS_NONE_OF", new[] { people[1] }, ids[2], ids[3]);
        await AssertFoundAsync(orders, "Customers", "IS", new[] { people[1] }, ids[1]);
        await AssertFoundAsync(orders, "Customers", "IS", new[] { people[1], people[0] }, ids[0]);
        await AssertFoundAsync(orders, "Customers", "IS_NOT", new[] { people[1] }, ids[0], ids[2], ids[3]);
        await AssertFoundAsync(orders, "Customers", "CONTAINS", "bO", ids[0], ids[1]);
        await AssertFoundAsync(orders, "Customers", "DOES_NOT_CONTAIN", "bo", ids[2], ids[3]);
        await AssertFoundAsync(orders, "Customers", "IS_EMPTY", null, ids[2]);
        await AssertFoundAsync(orders, "Customers", "IS_NOT_EMPTY", null, ids[0], ids[1], ids[3]);
        await AssertFoundAsync(customers, "Orders", "HAS_ANY_OF", new[] { ids[0], ids[2] }, people[0], people[1]);
        await AssertFoundAsync(customers, "Orders", "HAS_ALL_OF", new[] { ids[0], ids[1] }, people[1]);
        await AssertFoundAsync(customers, "Orders", "HAS_NONE_OF", new[] { ids[0] }, people[2], people[3]);
        await AssertFoundAsync(customers, "Orders", "IS", new[] { ids[0] }, people[0]);
        await AssertFoundAsync(customers, "Orders", "CONTAINS", "2", people[1]);
        await AssertFoundAsync(customers, "Orders", "IS_EMPTY", null, people[2]);
        await AssertFoundAsync(customers, "Orders", "IS_NOT_EMPTY", null, people[0], people[1], people[3]);

        var search = new SearchRecordsRequest { TableId = orders.Id, Sorting = { new Sorting { SortingField = "Customers" } } };
        Assert.Equal(
            "sorting[0].sortingField",
            Assert.Single((await data.Records.SearchRecordsAsync(search, data.As(owner)).ProblemAsync()).Violations).Field
        );
        search = new SearchRecordsRequest
        {
            TableId = orders.Id,
            Filter = DataFixture.Json("""{"operator":"IS","leftSide":"Customers","rightSide":"Ada"}"""),
        };
        Assert.Equal(
            "filter.rightSide",
            Assert.Single((await data.Records.SearchRecordsAsync(search, data.As(owner)).ProblemAsync()).Violations).Field
        );

        async Task AssertFoundAsync(Table table, string field, string comparison, object? right, params string[] expected)
        {
            var filter = right is null
                ? JsonSerializer.Serialize(new { @operator = comparison, leftSide = field })
                : JsonSerializer.Serialize(
                    new
                    {
                        @operator = comparison,
                        leftSide = field,
                        rightSide = right,
                    }
                );
            Assert.Equal(expected, (await data.SearchAsync(owner, table, filter)).Records.Select(record => record.Id));
        }
    }

    [Fact]
    public async Task Definitions_of_links_are_held_to_their_rules()
    {
        var (owner, customers, orders) = await ShopAsync();
        var elsewhere = await data.CreateTableAsync(owner, DataFixture.Of("A", FieldType.Text));
        var stranger = await data.CreateTableAsync(owner with { Environment = Ids.New() }, DataFixture.Of("A", FieldType.Text));
        Assert.Equal("field.linkTableId", await RefusedAsync(Link("L", "")));
        Assert.Equal("field.linkTableId", await RefusedAsync(Link("L", elsewhere.Id)));
        Assert.Equal("field.linkTableId", await RefusedAsync(Link("L", stranger.Id)));
        Assert.Equal("field.linkTableId", await RefusedAsync(Link("L", Ids.Format("tbl", Ids.New()))));
        Assert.Equal("field.linkField", await RefusedAsync(Link("L", customers.Id)));
        Assert.Equal("field.linkField", await RefusedAsync(Link("Self", orders.Id, "Self")));
        Assert.Equal(
            "field.inverse",
            await RefusedAsync(
                new Field
                {
                    Name = "L",
                    Type = FieldType.Link,
                    LinkTableId = customers.Id,
                    Inverse = true,
                }
            )
        );
        Assert.Equal(
            "field.unique",
            await RefusedAsync(
                new Field
                {
                    Name = "L",
                    Type = FieldType.Link,
                    LinkTableId = customers.Id,
                    Unique = true,
                }
            )
        );
        Assert.Equal(
            "field.linkTableId",
            await RefusedAsync(
                new Field
                {
                    Name = "L",
                    Type = FieldType.Text,
                    LinkTableId = customers.Id,
                }
            )
        );

        async Task<string> RefusedAsync(Field field) =>
            Assert
                .Single(
                    (
                        await data
                            .Tables.CreateFieldAsync(new CreateFieldRequest { TableId = orders.Id, Field = field }, data.As(owner))
                            .ProblemAsync()
                    ).Violations
                )
                .Field;
    }

    [Fact]
    public async Task A_table_links_to_itself_and_eight_links_between_two_tables_are_made_at_once()
    {
        var (owner, customers, orders) = await ShopAsync();
        await data.Tables.CreateFieldAsync(
            new CreateFieldRequest { TableId = customers.Id, Field = Link("Parent", customers.Id, "Children", single: true) },
            data.As(owner)
        );
        var ada = await data.CreateRecordAsync(owner, customers, """{"Name":"Ada"}""");
        var bob = await data.CreateRecordAsync(owner, customers, $$"""{"Name":"Bob","Parent":"{{ada}}"}""");
        Assert.Equal($$"""[{"id":"{{bob}}","label":"Bob"}]""", await ReadAsync(owner, customers, ada, "Children"));

        await Task.WhenAll(
            Enumerable
                .Range(0, 8)
                .Select(n =>
                    data.Tables.CreateFieldAsync(
                        n % 2 == 0
                            ? new CreateFieldRequest { TableId = customers.Id, Field = Link($"C{n}", orders.Id, $"O{n}") }
                            : new CreateFieldRequest { TableId = orders.Id, Field = Link($"O{n}", customers.Id, $"C{n}") },
                        data.As(owner)
                    ).ResponseAsync
                )
        );
        foreach (var (table, own) in new[] { (customers, 4), (orders, 2) })
        {
            var fields = (await data.Tables.ListFieldsAsync(new ListFieldsRequest { TableId = table.Id }, data.As(owner))).Fields;
            Assert.Equal(8, fields.Count(field => char.IsDigit(field.Name[^1])));
            Assert.Equal(4, fields.Count(field => char.IsDigit(field.Name[^1]) && field.Inverse));
            Assert.Equal(own + 8, fields.Count);
        }
    }

    [Fact]
    public async Task A_label_follows_the_field_that_names_records()
    {
        var (owner, customers, orders) = await ShopAsync();
        await data.Tables.CreateFieldAsync(
            new CreateFieldRequest { TableId = customers.Id, Field = DataFixture.Of("Level", FieldType.Select, "Gold") },
            data.As(owner)
        );
        await data.Tables.CreateFieldAsync(
            new CreateFieldRequest { TableId = customers.Id, Field = DataFixture.Of("Since", FieldType.DateTime) },
            data.As(owner)
        );
        var ada = await data.CreateRecordAsync(owner, customers, """{"Name":"Ada","Level":"Gold","Since":"2026-05-01T10:00:00Z"}""");
        var order = await data.CreateRecordAsync(owner, orders, $$"""{"Customers":["{{ada}}"]}""");
        foreach (var (primary, label) in new[] { ("Name", "Ada"), ("Level", "Gold"), ("Since", "2026-05-01T10:00:00Z") })
        {
            await data.Tables.UpdateTableAsync(new UpdateTableRequest { TableId = customers.Id, PrimaryField = primary }, data.As(owner));
            Assert.Equal($$"""[{"id":"{{ada}}","label":"{{label}}"}]""", await ReadAsync(owner, orders, order, "Customers"));
            Assert.Equal(
                [order],
                await FindAsync(owner, orders, $$"""{"operator":"CONTAINS","leftSide":"Customers","rightSide":"{{label[..3]}}"}""")
            );
        }
    }

    private async Task<(TestCaller Owner, Table Customers, Table Orders)> ShopAsync(bool single = false)
    {
        var owner = DataFixture.Owner();
        var database = await data.CreateDatabaseAsync(owner, "Shop");
        var customers = await CreateAsync("Customers", DataFixture.Of("Name", FieldType.Text));
        return (
            owner,
            customers,
            await CreateAsync("Orders", DataFixture.Of("No", FieldType.Number), Link("Customers", customers.Id, single: single))
        );

        async Task<Table> CreateAsync(string name, params Field[] fields) =>
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
    }

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
        JsonDocument.Parse((await data.GetRecordAsync(owner, table, id)).Fields.Utf8.Memory).RootElement.GetProperty(field).GetRawText();

    private async Task<IEnumerable<string>> FindAsync(TestCaller owner, Table table, string filter) =>
        (await data.SearchAsync(owner, table, filter)).Records.Select(record => record.Id);

    private static UpdateRecordRequest Change(Table table, string id, string fields) =>
        new()
        {
            TableId = table.Id,
            RecordId = id,
            Fields = DataFixture.Json(fields),
        };
}
