using Platform.Contracts;
using Platform.Data.Contracts.V1;
using Field = Platform.Data.Contracts.V1.Field;

namespace Platform.Data.Tests;

public sealed partial class SchemaUndoTests
{
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
    public async Task A_field_that_is_undone_counts_no_more()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(owner, DataFixture.Of("Name", FieldType.Text));
        var call = data.As(owner);
        await data.Tables.CreateFieldAsync(new() { TableId = table.Id, Field = DataFixture.Of("More", FieldType.Text) }, call);
        await UndoChangeAsync(owner, CallIdOf(call));
        Assert.Equal(1, Assert.Single((await data.Tables.ListTablesAsync(new(), data.As(owner))).Tables).FieldCount);
        Assert.Equal(1, (await data.Tables.GetTableAsync(new() { TableId = table.Id }, data.As(owner))).Table.FieldCount);
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
}
