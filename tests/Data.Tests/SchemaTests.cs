using Platform.Contracts;
using Platform.Data.Contracts.Events;
using Platform.Data.Contracts.V1;
using Platform.Testing;
using Field = Platform.Data.Contracts.V1.Field;

namespace Platform.Data.Tests;

public sealed partial class SchemaTests(DataFixture data) : IClassFixture<DataFixture>
{
    [Fact]
    public async Task A_database_is_listed_and_read_with_its_tables_and_its_name_is_taken()
    {
        var owner = DataFixture.Owner();
        var created = await data.CreateDatabaseAsync(owner, "Shop");
        Assert.Equal(
            "NAME_TAKEN",
            (await data.Databases.CreateDatabaseAsync(new CreateDatabaseRequest { Name = "sHOP" }, data.As(owner)).ProblemAsync()).Reason
        );
        Assert.Equal(
            "name",
            Assert
                .Single(
                    (
                        await data.Databases.CreateDatabaseAsync(new CreateDatabaseRequest { Name = " x" }, data.As(owner)).ProblemAsync()
                    ).Violations
                )
                .Field
        );
        await data.CreateDatabaseAsync(owner, "Archive");

        var first = await data.Databases.ListDatabasesAsync(new ListDatabasesRequest { Limit = 1 }, data.As(owner));
        Assert.Equal(("Archive", true), (Assert.Single(first.Databases).Name, first.Page.HasMore));
        var second = await data.Databases.ListDatabasesAsync(
            new ListDatabasesRequest { Limit = 1, Cursor = first.Page.NextCursor },
            data.As(owner)
        );
        Assert.Equal((created, false), (Assert.Single(second.Databases), second.Page.HasMore));

        var table = (
            await data.Tables.CreateTableAsync(
                new CreateTableRequest
                {
                    DatabaseId = created.Id,
                    Name = "Items",
                    Fields = { DataFixture.Of("A", FieldType.Text) },
                },
                data.As(owner)
            )
        ).Table;
        var read = await data.Databases.GetDatabaseAsync(new GetDatabaseRequest { DatabaseId = created.Id }, data.As(owner));
        Assert.Equal((created, table.Id), (read.Database, Assert.Single(read.Tables).Id));
        Assert.Equal(
            table.Id,
            Assert.Single((await data.Tables.ListTablesAsync(new ListTablesRequest { DatabaseId = created.Id }, data.As(owner))).Tables).Id
        );
        var announced = await data.Events.WaitAsync(happened =>
            happened.WorkspaceId == owner.Workspace && happened.Type == nameof(DatabaseCreated)
        );
        Assert.Equal(("database.created", created.Id), (announced.Action, announced.Read<DatabaseCreated>().DatabaseId));
    }

    [Fact]
    public async Task Tables_of_all_databases_are_listed_by_name_page_by_page_and_found_by_a_part_of_it()
    {
        var owner = DataFixture.Owner();
        var (shop, archive) = (await data.CreateDatabaseAsync(owner, "Shop"), await data.CreateDatabaseAsync(owner, "Archive"));
        foreach (var (database, name) in new[] { (shop, "Orders"), (shop, "items 50%"), (archive, "ORDERS"), (archive, "Clients") })
        {
            await data.Tables.CreateTableAsync(
                new CreateTableRequest
                {
                    DatabaseId = database.Id,
                    Name = name,
                    Fields = { DataFixture.Of("A", FieldType.Text) },
                },
                data.As(owner)
            );
        }

        await data.CreateTableAsync(owner with { Environment = Ids.New() }, DataFixture.Of("A", FieldType.Text));
        Assert.Equal(["Clients", "items 50%", "Orders", "ORDERS"], await NamesAsync(new ListTablesRequest()));
        Assert.Equal(["Clients", "items 50%", "Orders", "ORDERS"], await NamesAsync(new ListTablesRequest { Limit = 1 }));
        Assert.Equal(["Orders", "ORDERS"], await NamesAsync(new ListTablesRequest { Search = "rDe", Limit = 1 }));
        Assert.Equal(["items 50%"], await NamesAsync(new ListTablesRequest { Search = "%" }));
        Assert.Equal(["ORDERS"], await NamesAsync(new ListTablesRequest { Search = "order", DatabaseId = archive.Id }));
        var first = await data.Tables.ListTablesAsync(new ListTablesRequest { Limit = 1 }, data.As(owner));
        var mixed = new ListTablesRequest
        {
            Limit = 1,
            Search = "o",
            Cursor = first.Page.NextCursor,
        };
        Assert.Equal("cursor", Assert.Single((await data.Tables.ListTablesAsync(mixed, data.As(owner)).ProblemAsync()).Violations).Field);

        async Task<List<string>> NamesAsync(ListTablesRequest request)
        {
            var names = new List<string>();
            for (var more = true; more; )
            {
                var page = await data.Tables.ListTablesAsync(request, data.As(owner));
                names.AddRange(page.Tables.Select(table => table.Name));
                (more, request.Cursor) = (page.Page.HasMore, page.Page.NextCursor);
            }
            return names;
        }
    }

    [Fact]
    public async Task A_table_reads_back_as_it_was_created_and_what_is_read_can_be_created_without_its_ids()
    {
        var owner = DataFixture.Owner();
        var number = new Field
        {
            Name = "Price",
            Type = FieldType.Number,
            Required = true,
            Precision = 2,
            Description = "net",
        };
        var select = new Field
        {
            Name = "Colour",
            Type = FieldType.Select,
            Choices =
            {
                new Choice { Label = "Red", Color = "#ff0000" },
            },
            AllowNewChoices = true,
        };
        var created = await data.CreateTableAsync(
            owner,
            new Field
            {
                Name = "Sku",
                Type = FieldType.Text,
                Unique = true,
                MaxLength = 20,
            },
            number,
            select
        );
        var read = (await data.Tables.GetTableAsync(new GetTableRequest { TableId = created.Id }, data.As(owner))).Table;
        Assert.Equal(created.Fields, read.Fields);
        Assert.Equal((created.Fields[0].Id, 20), (read.PrimaryFieldId, read.Fields[0].MaxLength));

        foreach (var field in read.Fields)
        {
            field.Id = "";
            field.Choices.ToList().ForEach(choice => choice.Id = "");
        }

        var again = (
            await data.Tables.CreateTableAsync(
                new CreateTableRequest
                {
                    DatabaseId = created.DatabaseId,
                    Name = "Copy",
                    Fields = { read.Fields },
                    PrimaryField = "Price",
                },
                data.As(owner)
            )
        ).Table;
        Assert.Equal(read.Fields.Select(field => field.Name), again.Fields.Select(field => field.Name));
        Assert.Empty(created.Fields.Select(field => field.Id).Intersect(again.Fields.Select(field => field.Id)));
        Assert.Equal(again.Fields[1].Id, again.PrimaryFieldId);
        Assert.Equal(
            "NAME_TAKEN",
            (
                await data
                    .Tables.CreateTableAsync(
                        new CreateTableRequest
                        {
                            DatabaseId = created.DatabaseId,
                            Name = "COPY",
                            Fields = { read.Fields },
                        },
                        data.As(owner)
                    )
                    .ProblemAsync()
            ).Reason
        );

        var tooPrecise = await data
            .Records.CreateRecordAsync(
                new CreateRecordRequest { TableId = created.Id, Fields = DataFixture.Json("""{"Price":1.234}""") },
                data.As(owner)
            )
            .ProblemAsync();
        Assert.Equal("fields.Price", Assert.Single(tooPrecise.Violations).Field);
    }

    [Fact]
    public async Task Every_fault_of_a_definition_is_named_at_once()
    {
        var owner = DataFixture.Owner();
        var database = await data.CreateDatabaseAsync(owner, "Faulty");
        var problem = await data
            .Tables.CreateTableAsync(
                new CreateTableRequest
                {
                    DatabaseId = database.Id,
                    Name = "T",
                    PrimaryField = "Nobody",
                    Fields =
                    {
                        new Field { Name = "createdAt", Type = FieldType.Text },
                        new Field { Name = "fld_x", Type = FieldType.Text },
                        new Field { Name = "a\tb", Type = FieldType.Text },
                        new Field { Name = "NoType" },
                        new Field { Name = "S", Type = FieldType.Select },
                        new Field
                        {
                            Name = "M",
                            Type = FieldType.MultiSelect,
                            Choices =
                            {
                                new Choice { Label = "x" },
                                new Choice { Label = "x" },
                            },
                            Unique = true,
                        },
                        new Field
                        {
                            Name = "N",
                            Type = FieldType.Number,
                            MaxLength = 3,
                            AllowNewChoices = true,
                        },
                        new Field
                        {
                            Name = "L",
                            Type = FieldType.LongText,
                            Precision = 2,
                            Unique = true,
                        },
                        new Field
                        {
                            Name = "n",
                            Type = FieldType.Text,
                            Unique = true,
                            MaxLength = 501,
                        },
                    },
                },
                data.As(owner)
            )
            .ProblemAsync();
        Assert.Equal(
            [
                "fields[0].name",
                "fields[1].name",
                "fields[2].name",
                "fields[3].type",
                "fields[4].choices",
                "fields[5].unique",
                "fields[5].choices[1].label",
                "fields[6].maxLength",
                "fields[6].allowNewChoices",
                "fields[7].unique",
                "fields[7].precision",
                "fields[8].maxLength",
                "fields[8].name",
                "primaryField",
            ],
            problem.Violations.Select(violation => violation.Field)
        );
    }

    [Fact]
    public async Task A_field_is_added_and_can_be_used_at_once()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(owner, DataFixture.Of("A", FieldType.Text));
        var id = await data.CreateRecordAsync(owner, table, """{"A":"a"}""");
        var field = (
            await data.Tables.CreateFieldAsync(
                new CreateFieldRequest
                {
                    TableId = table.Id,
                    Field = new Field
                    {
                        Name = "B",
                        Type = FieldType.Number,
                        Unique = true,
                    },
                },
                data.As(owner)
            )
        ).Field;
        await data.Records.UpdateRecordAsync(
            new UpdateRecordRequest
            {
                TableId = table.Id,
                RecordId = id,
                Fields = DataFixture.Json("""{"B":1}"""),
            },
            data.As(owner)
        );
        Assert.Equal("""{"A":"a","B":1}""", (await data.GetRecordAsync(owner, table, id)).Fields.Utf8.ToStringUtf8());
        Assert.Equal(
            [table.Fields[0], field],
            (await data.Tables.ListFieldsAsync(new ListFieldsRequest { TableId = table.Id }, data.As(owner))).Fields
        );

        Assert.Equal("NAME_TAKEN", (await Refused(new Field { Name = "b", Type = FieldType.Text })).Reason);
        Assert.Equal(
            "field.required",
            Assert
                .Single(
                    (
                        await Refused(
                            new Field
                            {
                                Name = "C",
                                Type = FieldType.Text,
                                Required = true,
                            }
                        )
                    ).Violations
                )
                .Field
        );
        var announced = await data.Events.WaitAsync(happened =>
            happened.WorkspaceId == owner.Workspace && happened.Type == nameof(FieldCreated)
        );
        Assert.Equal((field.Id, "number"), (announced.Read<FieldCreated>().FieldId, announced.Read<FieldCreated>().Type));

        async Task<ProblemDetail> Refused(Field definition) =>
            await data
                .Tables.CreateFieldAsync(new CreateFieldRequest { TableId = table.Id, Field = definition }, data.As(owner))
                .ProblemAsync();
    }

    [Fact]
    public async Task Viewers_may_read_only_and_others_find_nothing()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(owner, DataFixture.Of("A", FieldType.Text));
        var viewer = owner with { Role = Roles.Viewer };
        await data.Tables.GetTableAsync(new GetTableRequest { TableId = table.Id }, data.As(viewer));
        var (definition, addition) = (
            new CreateTableRequest
            {
                DatabaseId = table.DatabaseId,
                Name = "B",
                Fields = { DataFixture.Of("A", FieldType.Text) },
            },
            new CreateFieldRequest { TableId = table.Id, Field = DataFixture.Of("B", FieldType.Text) }
        );
        Assert.Equal(
            "PERMISSION_DENIED",
            (await data.Databases.CreateDatabaseAsync(new CreateDatabaseRequest { Name = "X" }, data.As(viewer)).ProblemAsync()).Reason
        );
        Assert.Equal("PERMISSION_DENIED", (await data.Tables.CreateTableAsync(definition, data.As(viewer)).ProblemAsync()).Reason);
        Assert.Equal("PERMISSION_DENIED", (await data.Tables.CreateFieldAsync(addition, data.As(viewer)).ProblemAsync()).Reason);

        foreach (var stranger in new[] { DataFixture.Owner(), owner with { Environment = Ids.New() } })
        {
            Assert.Empty((await data.Databases.ListDatabasesAsync(new ListDatabasesRequest(), data.As(stranger))).Databases);
            Assert.Equal(
                "NOT_FOUND",
                (
                    await data
                        .Databases.GetDatabaseAsync(new GetDatabaseRequest { DatabaseId = table.DatabaseId }, data.As(stranger))
                        .ProblemAsync()
                ).Reason
            );
            Assert.Equal(
                "NOT_FOUND",
                (
                    await data
                        .Tables.ListTablesAsync(new ListTablesRequest { DatabaseId = table.DatabaseId }, data.As(stranger))
                        .ProblemAsync()
                ).Reason
            );
            Assert.Equal(
                "NOT_FOUND",
                (await data.Tables.GetTableAsync(new GetTableRequest { TableId = table.Id }, data.As(stranger)).ProblemAsync()).Reason
            );
            Assert.Equal(
                "NOT_FOUND",
                (await data.Tables.ListFieldsAsync(new ListFieldsRequest { TableId = table.Id }, data.As(stranger)).ProblemAsync()).Reason
            );
            Assert.Equal("NOT_FOUND", (await data.Tables.CreateTableAsync(definition, data.As(stranger)).ProblemAsync()).Reason);
            Assert.Equal("NOT_FOUND", (await data.Tables.CreateFieldAsync(addition, data.As(stranger)).ProblemAsync()).Reason);
        }
    }
}
