using System.Text.Json;
using Grpc.Core;
using Platform.Changes.Contracts.V1;
using Platform.Contracts;
using Platform.Data.Contracts.V1;
using Platform.Testing;
using Field = Platform.Data.Contracts.V1.Field;

namespace Platform.Data.Tests;

public sealed partial class SchemaUndoTests(DataFixture data) : IClassFixture<DataFixture>
{
    private static readonly string[] _permissions =
    [
        "databases.records:read",
        "databases.records:write",
        "databases.records:delete",
        "databases.schema:write",
        "databases.schema:delete",
        "workspace:read",
    ];

    [Fact]
    public async Task A_task_that_made_a_database_a_table_3000_records_and_renamed_a_field_is_wholly_undone_and_done_again()
    {
        var owner = DataFixture.Owner();
        var agent = owner with { Member = Ids.New(), Role = Roles.Editor };
        var before = await CatalogueAsync(owner);
        var task = await BeginAsync(agent);
        var database = (
            await data.Databases.CreateDatabaseAsync(new CreateDatabaseRequest { Name = "Shop" }, data.As(agent, task: task))
        ).Database;
        var name = DataFixture.Of("Name", FieldType.Text);
        name.Unique = true;
        var table = (
            await data.Tables.CreateTableAsync(
                new CreateTableRequest
                {
                    DatabaseId = database.Id,
                    Name = "Items",
                    Fields = { name, DataFixture.Of("State", FieldType.Select, "Open", "Done") },
                },
                data.As(agent, task: task)
            )
        ).Table;
        for (var page = 0; page < 30; page++)
        {
            await data.Records.CreateRecordsAsync(
                DataFixture.New(table, [.. Enumerable.Range(page * 100, 100).Select(n => $$"""{"Name":"item {{n}}","State":"Open"}""")]),
                data.As(agent, task: task)
            );
        }

        await data.Tables.UpdateFieldAsync(
            new UpdateFieldRequest
            {
                TableId = table.Id,
                Field = "Name",
                Name = "Title",
            },
            data.As(agent, task: task)
        );
        await data.Tables.CreateFieldAsync(
            new CreateFieldRequest { TableId = table.Id, Field = DataFixture.Of("N", FieldType.Number) },
            data.As(agent, task: task)
        );
        await data.Views.CreateViewAsync(
            new CreateViewRequest
            {
                TableId = table.Id,
                Name = "Open",
                Filter = DataFixture.Json("""{"leftSide":"State","operator":"IS","rightSide":"Open"}"""),
            },
            data.As(agent, task: task)
        );
        var after = await CatalogueAsync(owner);

        var sum = await SumAsync(owner, task);
        Assert.Equal(
            [("database", 1), ("field", 1), ("record", 3000), ("table", 1), ("view", 1)],
            sum.Select(one => (one.Kind, one.Created)).Order()
        );
        Assert.All(sum, one => Assert.Equal("", one.CannotBeUndone));

        var (part, call) = await UndoAsync(agent, task);
        Assert.Equal(0, part.LeftCount);
        Assert.Equal(
            [
                ("database", "removed", 1),
                ("field", "removed", 1),
                ("record", "removed", 3000),
                ("table", "removed", 1),
                ("view", "removed", 1),
            ],
            Told(part)
        );
        Assert.Equal(before, await CatalogueAsync(owner));
        Assert.Empty((await data.Databases.ListDatabasesAsync(new(), data.As(owner))).Databases);
        Assert.Equal("NOT_FOUND", (await data.Tables.GetTableAsync(new() { TableId = table.Id }, data.As(owner)).ProblemAsync()).Reason);
        Assert.Equal(
            "NOT_FOUND",
            (await data.Records.CreateRecordsAsync(DataFixture.New(table, "{}"), data.As(owner)).ProblemAsync()).Reason
        );
        Assert.All(await SumAsync(owner, task), one => Assert.Equal((0, 0), (one.Created, one.ChangedSince)));
        var again = Assert.Single((await data.Changes.UndoTaskAsync(new() { TaskId = task }, data.As(agent))).Parts);
        Assert.Equal((0, 0, 3004), (again.Undone.Count, again.LeftCount, again.UndoneBefore));

        // Names are free again, and in the way of what would come back.
        var other = await data.CreateDatabaseAsync(owner, "Shop");
        var taken = await PreviewAsync(agent, call);
        Assert.Equal([("database", "VALUE_TAKEN")], taken.Left.Select(left => (left.Kind, left.Reason)).Take(1));
        await data.Databases.UpdateDatabaseAsync(new UpdateDatabaseRequest { DatabaseId = other.Id, Name = "Other" }, data.As(owner));

        await UndoChangeAsync(agent, call);
        await data.ExecuteAsync("delete from data.database where id = $1", Parse("db", other.Id));
        Assert.Equal(after, await CatalogueAsync(owner));
        var found = await data.SearchAsync(owner, table);
        Assert.Equal("Open", JsonDocument.Parse(found.Records[0].Fields.Utf8.Memory).RootElement.GetProperty("State").GetString());
        Assert.Equal(
            3000L,
            await data.ScalarAsync<long>($"select count(*) from {DataFixture.NameOf(owner, table)} where deleted_at is null")
        );

        // The unique field is one again.
        Assert.Equal(
            "VALUE_TAKEN",
            (await data.Records.CreateRecordsAsync(DataFixture.New(table, """{"Title":"item 1"}"""), data.As(owner)).ProblemAsync()).Reason
        );
    }

    [Fact]
    public async Task What_others_put_into_a_table_keeps_it_and_its_database_and_is_named()
    {
        var owner = DataFixture.Owner();
        var other = owner with { Member = Ids.New() };
        var task = await BeginAsync(owner);
        var database = (
            await data.Databases.CreateDatabaseAsync(new CreateDatabaseRequest { Name = "Shop" }, data.As(owner, task: task))
        ).Database;
        var kept = await TableAsync("Kept");
        var gone = await TableAsync("Gone");
        await data.Records.CreateRecordsAsync(DataFixture.New(kept, """{"Name":"ours"}"""), data.As(owner, task: task));
        var theirs = data.As(other);
        await data.Records.CreateRecordsAsync(DataFixture.New(kept, """{"Name":"theirs"}"""), theirs);

        var (part, _) = await UndoAsync(owner, task);
        Assert.Equal([("record", "removed", 1), ("table", "removed", 1)], Told(part));
        Assert.Equal(
            [("database", "CHANGED_SINCE"), ("table", "CHANGED_SINCE")],
            part.Left.Select(left => (left.Kind, left.Reason)).Order()
        );
        var left = part.Left.Single(one => one.Id == kept.Id);
        Assert.Equal((Ids.Format("mbr", other.Member!.Value), CallIdOf(theirs)), (left.ChangedBy, left.CallId));
        Assert.NotNull(left.ChangedAt);
        Assert.Equal(
            "theirs",
            JsonDocument
                .Parse(Assert.Single((await data.SearchAsync(owner, kept)).Records).Fields.Utf8.Memory)
                .RootElement.GetProperty("Name")
                .GetString()
        );
        Assert.Equal(
            [kept.Id],
            (await data.Tables.ListTablesAsync(new() { DatabaseId = database.Id }, data.As(owner))).Tables.Select(table => table.Id)
        );
        Assert.NotEqual(gone.Id, kept.Id);

        async Task<Table> TableAsync(string name) =>
            (
                await data.Tables.CreateTableAsync(
                    new CreateTableRequest
                    {
                        DatabaseId = database.Id,
                        Name = name,
                        Fields = { DataFixture.Of("Name", FieldType.Text) },
                    },
                    data.As(owner, task: task)
                )
            ).Table;
    }

    [Fact]
    public async Task A_field_and_a_view_of_others_keep_a_table()
    {
        var owner = DataFixture.Owner();
        var other = owner with { Member = Ids.New() };
        var database = await data.CreateDatabaseAsync(owner);
        foreach (
            var (put, word) in new (Func<Table, Task>, string)[]
            {
                (
                    async table =>
                        await data.Tables.CreateFieldAsync(
                            new CreateFieldRequest { TableId = table.Id, Field = DataFixture.Of("Theirs", FieldType.Text) },
                            data.As(other)
                        ),
                    "field Theirs"
                ),
                (
                    async table =>
                        await data.Views.CreateViewAsync(new CreateViewRequest { TableId = table.Id, Name = "Theirs" }, data.As(other)),
                    "view Theirs"
                ),
            }
        )
        {
            var task = await BeginAsync(owner);
            var table = (
                await data.Tables.CreateTableAsync(
                    new CreateTableRequest
                    {
                        DatabaseId = database.Id,
                        Name = word,
                        Fields = { DataFixture.Of("Name", FieldType.Text) },
                    },
                    data.As(owner, task: task)
                )
            ).Table;
            await put(table);
            var part = Assert.Single((await data.Changes.UndoTaskAsync(new() { TaskId = task }, data.As(owner))).Parts);
            Assert.Empty(part.Undone);
            var left = Assert.Single(part.Left);
            Assert.Equal((table.Id, Ids.Format("mbr", other.Member!.Value)), (left.Id, left.ChangedBy));
            Assert.Contains(word, left.Why, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_created_field_goes_unless_others_have_values_in_it_or_build_on_it()
    {
        var owner = DataFixture.Owner();
        var other = owner with { Member = Ids.New() };
        var table = await data.CreateTableAsync(owner, DataFixture.Of("Name", FieldType.Text));
        var id = await data.CreateRecordAsync(owner, table, """{"Name":"a"}""");
        var task = await BeginAsync(owner);
        foreach (var name in new[] { "Free", "Filled", "Viewed", "Primary" })
        {
            await data.Tables.CreateFieldAsync(
                new CreateFieldRequest { TableId = table.Id, Field = DataFixture.Of(name, FieldType.Text) },
                data.As(owner, task: task)
            );
        }

        await UpdateAsync(owner, table, id, """{"Free":"ours"}""", task);
        await data.CreateRecordAsync(other, table, """{"Filled":"theirs"}""");
        await data.Views.CreateViewAsync(
            new CreateViewRequest
            {
                TableId = table.Id,
                Name = "V",
                Fields = { "Viewed" },
            },
            data.As(other)
        );
        await data.Tables.UpdateTableAsync(new UpdateTableRequest { TableId = table.Id, PrimaryField = "Primary" }, data.As(other));

        var (part, _) = await UndoAsync(owner, task);
        Assert.Equal([("field", "removed", 1), ("record", "reverted", 1)], Told(part));
        Assert.Equal(3, part.LeftCount);
        Assert.All(part.Left, left => Assert.Equal("CHANGED_SINCE", left.Reason));
        Assert.Contains(part.Left, left =>
            left.Why.StartsWith("1 records have a value", StringComparison.Ordinal)
            && left.ChangedBy == Ids.Format("mbr", other.Member!.Value)
        );
        Assert.Contains(part.Left, left => left.Why == "The view V uses it.");
        Assert.Contains(part.Left, left => left.Why == "It names the records of its table.");
        Assert.Equal(["Name", "Filled", "Viewed", "Primary"], await FieldsAsync(owner, table));
    }

    [Fact]
    public async Task Updates_go_back_to_what_was_before_them_unless_others_came_after()
    {
        var owner = DataFixture.Owner();
        var other = owner with { Member = Ids.New() };
        var table = await data.CreateTableAsync(
            owner,
            DataFixture.Of("A", FieldType.Text),
            DataFixture.Of("B", FieldType.Text),
            DataFixture.Of("C", FieldType.Text)
        );
        await data.Views.CreateViewAsync(
            new CreateViewRequest
            {
                TableId = table.Id,
                Name = "Old",
                Fields = { "A" },
            },
            data.As(owner)
        );
        var doomed = (await data.Views.CreateViewAsync(new CreateViewRequest { TableId = table.Id, Name = "Doomed" }, data.As(owner))).View;
        var before = await CatalogueAsync(owner);

        var task = await BeginAsync(owner);
        await data.Databases.UpdateDatabaseAsync(
            new UpdateDatabaseRequest { DatabaseId = table.DatabaseId, Description = "new" },
            data.As(owner, task: task)
        );
        await data.Tables.UpdateTableAsync(
            new UpdateTableRequest
            {
                TableId = table.Id,
                Name = "New",
                Description = "new",
                PrimaryField = "B",
            },
            data.As(owner, task: task)
        );
        // The names go round.
        await RenameAsync(owner, "A", "X", task);
        await RenameAsync(owner, "B", "A", task);
        await RenameAsync(owner, "X", "B", task);
        await data.Views.UpdateViewAsync(
            new UpdateViewRequest
            {
                TableId = table.Id,
                View = "Old",
                Name = "New",
            },
            data.As(owner, task: task)
        );
        var confirm = await data
            .Views.DeleteViewAsync(new DeleteViewRequest { TableId = table.Id, View = "Doomed" }, data.As(owner, task: task))
            .ProblemAsync();
        await data.Views.DeleteViewAsync(
            new DeleteViewRequest { TableId = table.Id, View = "Doomed" },
            data.As(owner, confirmation: confirm.Confirmation.Token, task: task)
        );
        await data.Views.CreateViewAsync(new CreateViewRequest { TableId = table.Id, Name = "Doomed" }, data.As(owner, task: task));
        await RenameAsync(owner, "C", "Ours", task);
        var theirs = await RenameAsync(other, "Ours", "Theirs", null);

        var (part, call) = await UndoAsync(owner, task);
        var left = Assert.Single(part.Left);
        Assert.Equal(
            ("field", "CHANGED_SINCE", Ids.Format("mbr", other.Member!.Value), theirs),
            (left.Kind, left.Reason, left.ChangedBy, left.CallId)
        );
        Assert.Equal(
            [
                ("database", "reverted", 1),
                ("field", "reverted", 2),
                ("table", "reverted", 1),
                ("view", "removed", 1),
                ("view", "restored", 1),
                ("view", "reverted", 1),
            ],
            Told(part)
        );
        Assert.Equal(["A", "B", "Theirs"], await FieldsAsync(owner, table));
        Assert.Equal(
            [doomed.Id],
            (await data.Views.ListViewsAsync(new() { TableId = table.Id }, data.As(owner)))
                .Views.Where(view => view.Name == "Doomed")
                .Select(view => view.Id)
        );
        await RenameAsync(owner, "Theirs", "C", null);
        Assert.Equal(before, await CatalogueAsync(owner));

        await UndoChangeAsync(owner, call);
        Assert.Equal(["B", "A", "C"], await FieldsAsync(owner, table));
        Assert.Equal("New", (await data.Tables.GetTableAsync(new() { TableId = table.Id }, data.As(owner))).Table.Name);

        async Task<string> RenameAsync(TestCaller caller, string from, string to, string? named)
        {
            var options = data.As(caller, task: named);
            await data.Tables.UpdateFieldAsync(
                new UpdateFieldRequest
                {
                    TableId = table.Id,
                    Field = from,
                    Name = to,
                },
                options
            );
            return CallIdOf(options);
        }
    }

    [Fact]
    public async Task Choices_go_back_with_the_records_that_had_them_and_used_ones_stay()
    {
        var owner = DataFixture.Owner();
        var other = owner with { Member = Ids.New() };
        var table = await data.CreateTableAsync(
            owner,
            DataFixture.Of("Name", FieldType.Text),
            DataFixture.Of("S", FieldType.Select, "a", "b"),
            DataFixture.Of("M", FieldType.MultiSelect, "x")
        );
        var id = await data.CreateRecordAsync(owner, table, """{"S":"a","M":["x"]}""");
        var task = await BeginAsync(owner);
        await data.Tables.UpdateFieldAsync(
            new UpdateFieldRequest
            {
                TableId = table.Id,
                Field = "S",
                RemoveChoices = { "a" },
                ReplaceRemovedWith = "b",
                ChangeChoices =
                {
                    new ChoiceChange
                    {
                        Choice = "b",
                        Label = "B",
                        Color = "#ff0000",
                    },
                },
                AddChoices =
                {
                    new Choice { Label = "free" },
                    new Choice { Label = "used" },
                },
            },
            data.As(owner, task: task)
        );
        await data.Tables.UpdateFieldAsync(
            new UpdateFieldRequest
            {
                TableId = table.Id,
                Field = "M",
                AddChoices =
                {
                    new Choice { Label = "y" },
                    new Choice { Label = "z" },
                },
            },
            data.As(owner, task: task)
        );
        await UpdateAsync(owner, table, id, """{"S":"free","M":["x","y"]}""", task);
        await data.CreateRecordAsync(other, table, """{"S":"used","M":["z"]}""");

        var (part, _) = await UndoAsync(owner, task);
        Assert.Equal(2, part.LeftCount);
        Assert.All(part.Left, left =>
            Assert.Equal(("choice", "1 records have it.", Ids.Format("mbr", other.Member!.Value)), (left.Kind, left.Why, left.ChangedBy))
        );
        Assert.Equal(
            [("choice", "removed", 2), ("choice", "restored", 1), ("choice", "reverted", 1), ("record", "reverted", 1)],
            Told(part)
        );
        var fields = (await data.Tables.ListFieldsAsync(new() { TableId = table.Id }, data.As(owner))).Fields;
        Assert.Equal(
            [
                ["a", "b", "used"],
                ["x", "z"],
            ],
            fields.Skip(1).Select(field => field.Choices.Select(choice => choice.Label).ToArray())
        );
        Assert.Equal("""{"Name":null,"S":"a","M":["x"]}""", (await data.GetRecordAsync(owner, table, id)).Fields.Utf8.ToStringUtf8());
    }

    [Fact]
    public async Task Uniqueness_goes_back_both_ways_and_not_over_values_that_share_by_now()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(owner, DataFixture.Of("A", FieldType.Text));
        var ids = await data.CreateRecordsAsync(owner, table, """{"A":"same"}""", """{"A":"same"}""");
        var task = await BeginAsync(owner);
        await UpdateAsync(owner, table, ids[1], """{"A":"other"}""", task);
        await data.Tables.UpdateFieldAsync(
            new UpdateFieldRequest
            {
                TableId = table.Id,
                Field = "A",
                Unique = true,
                Required = true,
            },
            data.As(owner, task: task)
        );
        var (part, call) = await UndoAsync(owner, task);
        Assert.Equal([("field", "reverted", 1), ("record", "reverted", 1)], Told(part));
        Assert.Equal(0, part.LeftCount);
        Assert.Null((await FieldAsync()).HasMaxLength ? "length" : null);
        var third = await data.CreateRecordAsync(owner, table, """{"A":"same"}""");

        var preview = await PreviewAsync(owner, call);
        Assert.Equal("It would be unique again, and 1 values are shared.", Assert.Single(preview.Left).Why);
        await DeleteAsync(owner, table, third);
        await UndoChangeAsync(owner, call);
        Assert.True((await FieldAsync()) is { Unique: true, Required: true, MaxLength: 500 });
        Assert.Equal(
            "VALUE_TAKEN",
            (await data.Records.CreateRecordsAsync(DataFixture.New(table, """{"A":"other"}"""), data.As(owner)).ProblemAsync()).Reason
        );

        async Task<Field> FieldAsync() => (await data.Tables.ListFieldsAsync(new() { TableId = table.Id }, data.As(owner))).Fields[0];
    }

    [Fact]
    public async Task Both_sides_of_a_link_go_together_and_come_back_with_their_links()
    {
        var owner = DataFixture.Owner();
        var customers = await data.CreateTableAsync(owner, DataFixture.Of("Name", FieldType.Text));
        var ada = await data.CreateRecordAsync(owner, customers, """{"Name":"Ada"}""");
        var before = await CatalogueAsync(owner);
        var task = await BeginAsync(owner);
        var orders = (
            await data.Tables.CreateTableAsync(
                new CreateTableRequest
                {
                    DatabaseId = customers.DatabaseId,
                    Name = "Orders",
                    Fields =
                    {
                        DataFixture.Of("No", FieldType.Number),
                        new Field
                        {
                            Name = "Customers",
                            Type = FieldType.Link,
                            LinkTableId = customers.Id,
                        },
                    },
                },
                data.As(owner, task: task)
            )
        ).Table;
        var order = (
            await data.Records.CreateRecordsAsync(
                DataFixture.New(orders, $$"""{"No":1,"Customers":["{{ada}}"]}"""),
                data.As(owner, task: task)
            )
        ).RecordIds[0];
        var (part, call) = await UndoAsync(owner, task);
        Assert.Equal([("field", "removed", 1), ("record", "removed", 1), ("table", "removed", 1)], Told(part));
        Assert.Equal(0, part.LeftCount);
        Assert.Equal(before, await CatalogueAsync(owner));
        Assert.Equal("""{"Name":"Ada"}""", (await data.GetRecordAsync(owner, customers, ada)).Fields.Utf8.ToStringUtf8());

        await UndoChangeAsync(owner, call);
        Assert.Equal(
            $$"""{"Name":"Ada","Orders":[{"id":"{{order}}","label":"1"}]}""",
            (await data.GetRecordAsync(owner, customers, ada)).Fields.Utf8.ToStringUtf8()
        );
    }

    [Fact]
    public async Task A_record_that_others_link_to_stays_with_what_it_needs_and_links_among_what_goes_do_not_count()
    {
        var owner = DataFixture.Owner();
        var other = owner with { Member = Ids.New() };
        var customers = await data.CreateTableAsync(owner, DataFixture.Of("Name", FieldType.Text));
        var orders = (
            await data.Tables.CreateTableAsync(
                new CreateTableRequest
                {
                    DatabaseId = customers.DatabaseId,
                    Name = "Orders",
                    Fields =
                    {
                        DataFixture.Of("No", FieldType.Number),
                        new Field
                        {
                            Name = "Customers",
                            Type = FieldType.Link,
                            LinkTableId = customers.Id,
                        },
                        DataFixture.Of("N", FieldType.Number),
                    },
                },
                data.As(owner)
            )
        ).Table;
        orders = (await data.Tables.GetTableAsync(new() { TableId = orders.Id }, data.As(owner))).Table;
        await data.Tables.CreateFieldAsync(
            new CreateFieldRequest
            {
                TableId = orders.Id,
                Field = new Field
                {
                    Name = "Follows",
                    Type = FieldType.Link,
                    LinkTableId = orders.Id,
                    LinkField = "Followed by",
                },
            },
            data.As(owner)
        );
        var theirs = await data.CreateRecordAsync(other, orders, """{"No":9}""");

        var task = await BeginAsync(owner);
        var people = (
            await data.Records.CreateRecordsAsync(
                DataFixture.New(customers, """{"Name":"Ada"}""", """{"Name":"Bob"}""", """{"Name":"Cid"}"""),
                data.As(owner, task: task)
            )
        ).RecordIds;
        var first = (
            await data.Records.CreateRecordsAsync(
                DataFixture.New(orders, $$"""{"No":1,"Customers":["{{people[0]}}"]}"""),
                data.As(owner, task: task)
            )
        ).RecordIds[0];
        await data.Records.CreateRecordsAsync(
            DataFixture.New(orders, $$"""{"No":2,"Customers":["{{people[1]}}"],"Follows":["{{first}}"]}"""),
            data.As(owner, task: task)
        );
        await UpdateAsync(owner, orders, theirs, $$"""{"Customers":["{{people[2]}}"]}""", task);

        // Theirs follows the first order, which needs Ada.
        await UpdateAsync(other, orders, theirs, $$"""{"Customers":null,"Follows":["{{first}}"]}""", null);
        var (part, _) = await UndoAsync(owner, task);
        Assert.Equal([("record", "removed", 1), ("record", "removed", 2)], Told(part));
        var left = part.Left.Single(one => one.Id == first);
        Assert.Equal(
            ("CHANGED_SINCE", Ids.Format("mbr", other.Member!.Value), $"{theirs} in Orders links to it."),
            (left.Reason, left.ChangedBy, left.Why)
        );
        Assert.Equal($"{first} in Orders links to it.", part.Left.Single(one => one.Id == people[0]).Why);
        Assert.Equal(3, part.LeftCount);
        Assert.Equal([people[0]], (await data.SearchAsync(owner, customers)).Records.Select(record => record.Id));
        Assert.Equal([theirs, first], (await data.SearchAsync(owner, orders)).Records.Select(record => record.Id));
        Assert.Contains(first, (await data.GetRecordAsync(owner, orders, theirs)).Fields.Utf8.ToStringUtf8(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_needs_the_permissions_of_what_it_takes_back_and_of_what_it_does_instead()
    {
        var owner = DataFixture.Owner();
        var task = await BeginAsync(owner);
        var call = data.As(owner, task: task);
        var database = (await data.Databases.CreateDatabaseAsync(new CreateDatabaseRequest { Name = "Shop" }, call)).Database;
        foreach (var missing in new[] { "databases.schema:write", "databases.schema:delete" })
        {
            var lesser = owner with { Permissions = [.. _permissions.Except([missing])] };
            var left = Assert.Single(
                Assert.Single((await data.Changes.UndoTaskAsync(new() { TaskId = task }, data.As(lesser))).Parts).Left
            );
            Assert.Equal(
                ("database", "PERMISSION_DENIED", $"Taking this back needs the permission {missing}."),
                (left.Kind, left.Reason, left.Why)
            );
        }

        foreach (var stranger in new[] { owner with { Environment = Ids.New() }, DataFixture.Owner() })
        {
            Assert.Equal(
                "CHANGE_NOT_FOUND",
                (await data.Changes.UndoChangeAsync(new() { CallId = CallIdOf(call) }, data.As(stranger)).ProblemAsync()).Reason
            );
        }

        // By its call, too; and eight at once.
        var request = new UndoChangeRequest { CallId = CallIdOf(call) };
        var preview = await data.Changes.UndoChangeAsync(request, data.As(owner)).ProblemAsync();
        Assert.Single((await data.Databases.ListDatabasesAsync(new(), data.As(owner))).Databases);
        var undone = await Task.WhenAll(
            Enumerable
                .Range(0, 8)
                .Select(async _ =>
                {
                    try
                    {
                        return (await data.Changes.UndoChangeAsync(request, data.As(owner, confirmation: preview.Confirmation.Token)))
                            .Parts[0]
                            .Undone
                            .Count;
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
            "NOT_FOUND",
            (await data.Databases.GetDatabaseAsync(new() { DatabaseId = database.Id }, data.As(owner)).ProblemAsync()).Reason
        );
    }

    [Fact]
    public async Task A_table_that_comes_while_its_database_goes_has_one_or_the_other()
    {
        var owner = DataFixture.Owner();
        for (var round = 0; round < 4; round++)
        {
            var call = data.As(owner);
            var database = (await data.Databases.CreateDatabaseAsync(new CreateDatabaseRequest { Name = $"Shop {round}" }, call)).Database;
            var request = new UndoChangeRequest { CallId = CallIdOf(call) };
            var preview = await data.Changes.UndoChangeAsync(request, data.As(owner)).ProblemAsync();
            var results = await Task.WhenAll(
                TryAsync(async () => await data.Changes.UndoChangeAsync(request, data.As(owner, confirmation: preview.Confirmation.Token))),
                TryAsync(async () =>
                    await data.Tables.CreateTableAsync(
                        new CreateTableRequest
                        {
                            DatabaseId = database.Id,
                            Name = "T",
                            Fields = { DataFixture.Of("A", FieldType.Text) },
                        },
                        data.As(owner)
                    )
                )
            );
            var isThere = await data.ScalarAsync<bool>(
                "select deleted_at is null from data.database where id = $1",
                Parse("db", database.Id)
            );
            Assert.Equal(isThere ? null : "NOT_FOUND", results[1]);
            Assert.Equal(
                isThere ? 1L : 0L,
                await data.ScalarAsync<long>(
                    "select count(*) from data.database_table where database_id = $1 and deleted_at is null",
                    Parse("db", database.Id)
                )
            );
        }

        static async Task<string?> TryAsync(Func<Task> act)
        {
            try
            {
                await act();
                return null;
            }
            catch (RpcException exception)
            {
                return ServiceDefaults.Calls.Problem.Read(exception)!.Reason;
            }
        }
    }
}
