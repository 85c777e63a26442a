using System.Text.Json;
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
}
