using System.Text.Json;
using Platform.Changes.Contracts.V1;
using Platform.Contracts;
using Platform.Data.Contracts.V1;
using Platform.Testing;
using Field = Platform.Data.Contracts.V1.Field;

namespace Platform.Data.Tests;

public sealed partial class SchemaUndoTests
{
    [Fact]
    public async Task Limits_go_back_both_ways_and_not_over_values_that_do_not_fit_by_now()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(
            owner,
            new Field
            {
                Name = "A",
                Type = FieldType.Text,
                MaxLength = 5,
            },
            new Field
            {
                Name = "N",
                Type = FieldType.Number,
                Precision = 2,
            }
        );
        await data.Tables.CreateFieldAsync(
            new CreateFieldRequest
            {
                TableId = table.Id,
                Field = new Field
                {
                    Name = "L",
                    Type = FieldType.Link,
                    LinkTableId = table.Id,
                    Single = true,
                },
            },
            data.As(owner)
        );
        var ids = await data.CreateRecordsAsync(owner, table, "{}", "{}");
        var before = await CatalogueAsync(owner);
        var task = await BeginAsync(owner);
        await data.Tables.UpdateFieldAsync(
            new UpdateFieldRequest
            {
                TableId = table.Id,
                Field = "A",
                MaxLength = 100,
            },
            data.As(owner, task: task)
        );
        await data.Tables.UpdateFieldAsync(
            new UpdateFieldRequest
            {
                TableId = table.Id,
                Field = "N",
                Precision = 4,
            },
            data.As(owner, task: task)
        );
        await data.Tables.UpdateFieldAsync(
            new UpdateFieldRequest
            {
                TableId = table.Id,
                Field = "L",
                Single = false,
            },
            data.As(owner, task: task)
        );

        // Values of the task itself go before its limits do; those of others keep them.
        await UpdateAsync(owner, table, ids[0], $$"""{"A":"longer than five","N":0.1234,"L":["{{ids[0]}}","{{ids[1]}}"]}""", task);
        var (part, call) = await UndoAsync(owner, task);
        Assert.Equal(0, part.LeftCount);
        Assert.Equal([("field", "reverted", 3), ("record", "reverted", 1)], Told(part));
        Assert.Equal(before, await CatalogueAsync(owner));
        await UndoChangeAsync(owner, call);
        await UpdateAsync(owner, table, ids[1], $$"""{"A":"longer than five","N":0.1234,"L":["{{ids[0]}}","{{ids[1]}}"]}""", null);
        Assert.Equal(
            [
                "1 values are longer than the 5 characters it would take again.",
                "1 values have more than the 2 decimal places it would take again.",
                "It would hold one link again, and 1 records hold more.",
            ],
            (await UndoAsync(owner, task)).Part.Left.Select(left => left.Why).Order()
        );
    }

    [Fact]
    public async Task A_record_that_a_rule_of_others_forbids_stays_as_it_is_and_says_which()
    {
        var owner = DataFixture.Owner();
        var other = owner with { Member = Ids.New() };
        var table = await data.CreateTableAsync(
            owner,
            DataFixture.Of("Name", FieldType.Text),
            DataFixture.Of("Note", FieldType.Text),
            DataFixture.Of("N", FieldType.Number)
        );
        await data.Tables.CreateFieldAsync(
            new CreateFieldRequest
            {
                TableId = table.Id,
                Field = new Field
                {
                    Name = "To",
                    Type = FieldType.Link,
                    LinkTableId = table.Id,
                },
            },
            data.As(owner)
        );
        var ids = await data.CreateRecordsAsync(
            owner,
            table,
            "{}",
            """{"Name":"b","Note":"long"}""",
            """{"Name":"c","N":1.25}""",
            """{"Name":"d"}""",
            """{"Name":"e","Note":"kept long"}""",
            "{}"
        );
        await UpdateAsync(owner, table, ids[3], $$"""{"To":["{{ids[0]}}","{{ids[1]}}"]}""", null);
        var task = await BeginAsync(owner);
        await UpdateAsync(owner, table, ids[0], """{"Name":"a"}""", task);
        await UpdateAsync(owner, table, ids[1], """{"Note":"b"}""", task);
        await UpdateAsync(owner, table, ids[2], """{"N":1}""", task);
        await UpdateAsync(owner, table, ids[3], $$"""{"To":["{{ids[0]}}"]}""", task);
        await UpdateAsync(owner, table, ids[4], """{"Name":"E"}""", task);
        await DeleteAsync(owner, table, ids[5], task);

        await UpdateAsync(owner, table, ids[4], """{"Note":"s"}""", task);
        await data.Tables.UpdateFieldAsync(
            new UpdateFieldRequest
            {
                TableId = table.Id,
                Field = "Name",
                Required = true,
            },
            data.As(other)
        );
        await data.Tables.UpdateFieldAsync(
            new UpdateFieldRequest
            {
                TableId = table.Id,
                Field = "Note",
                MaxLength = 3,
            },
            data.As(other)
        );
        var theirs = data.As(other);
        await data.Tables.UpdateFieldAsync(
            new UpdateFieldRequest
            {
                TableId = table.Id,
                Field = "N",
                Precision = 1,
            },
            theirs
        );
        await data.Tables.UpdateFieldAsync(
            new UpdateFieldRequest
            {
                TableId = table.Id,
                Field = "To",
                Single = true,
            },
            data.As(other)
        );

        var part = Assert.Single((await data.Changes.UndoTaskAsync(new UndoTaskRequest { TaskId = task }, data.As(owner))).Parts);
        Assert.All(part.Left, left =>
            Assert.Equal(("record", "CHANGED_SINCE", Ids.Format("mbr", other.Member!.Value)), (left.Kind, left.Reason, left.ChangedBy))
        );
        Assert.Equal(CallIdOf(theirs), part.Left.Single(left => left.Id == ids[2]).CallId);
        Assert.Equal(
            [
                (ids[0], "The field Name is required now, and the record had no value of it."),
                (ids[1], "The field Note takes at most 3 characters now, and the record had more."),
                (ids[2], "The field N takes at most 1 decimal places now, and the record had more."),
                (ids[3], "The field To holds one link now, and the record had more."),
                (ids[4], "The field Note takes at most 3 characters now, and the record had more."),
                (ids[5], "The field Name is required now, and the record had no value of it."),
            ],
            part.Left.Select(left => (left.Id, left.Why)).Order()
        );
        Assert.Empty(part.Undone);
        Assert.Equal(
            "a",
            JsonDocument
                .Parse((await data.GetRecordAsync(owner, table, ids[0])).Fields.Utf8.Memory)
                .RootElement.GetProperty("Name")
                .GetString()
        );
    }

    [Fact]
    public async Task Rules_go_back_with_the_records_that_they_would_forbid()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(
            owner,
            DataFixture.Of("Name", FieldType.Text),
            DataFixture.Of("Note", FieldType.Text),
            DataFixture.Of("N", FieldType.Number)
        );
        var ids = await data.CreateRecordsAsync(owner, table, """{"Note":"long"}""", """{"Name":"b","N":1.25}""");
        var before = await FieldsOfAsync();
        var task = await BeginAsync(owner);
        await UpdateAsync(owner, table, ids[0], """{"Name":"a","Note":"b"}""", task);
        await UpdateAsync(owner, table, ids[1], """{"N":1}""", task);
        await data.Tables.UpdateFieldAsync(
            new UpdateFieldRequest
            {
                TableId = table.Id,
                Field = "Name",
                Required = true,
                Unique = true,
            },
            data.As(owner, task: task)
        );
        await data.Tables.UpdateFieldAsync(
            new UpdateFieldRequest
            {
                TableId = table.Id,
                Field = "Note",
                MaxLength = 3,
            },
            data.As(owner, task: task)
        );
        await data.Tables.UpdateFieldAsync(
            new UpdateFieldRequest
            {
                TableId = table.Id,
                Field = "N",
                Precision = 1,
            },
            data.As(owner, task: task)
        );
        var after = await FieldsOfAsync();

        var (part, call) = await UndoAsync(owner, task);
        Assert.Equal([("field", "reverted", 3), ("record", "reverted", 2)], Told(part));
        Assert.Equal(0, part.LeftCount);
        Assert.Equal(before, await FieldsOfAsync());
        Assert.Equal(
            """{"Name":null,"Note":"long","N":null}""",
            (await data.GetRecordAsync(owner, table, ids[0])).Fields.Utf8.ToStringUtf8()
        );

        await UndoChangeAsync(owner, call);
        Assert.Equal(after, await FieldsOfAsync());
        Assert.Equal("""{"Name":"a","Note":"b","N":null}""", (await data.GetRecordAsync(owner, table, ids[0])).Fields.Utf8.ToStringUtf8());

        async Task<string> FieldsOfAsync() =>
            (await data.Tables.ListFieldsAsync(new() { TableId = table.Id }, data.As(owner))).Fields.ToString();
    }

    [Fact]
    public async Task A_field_that_cannot_go_back_in_one_rule_keeps_them_all()
    {
        var owner = DataFixture.Owner();
        var other = owner with { Member = Ids.New() };
        var note = DataFixture.Of("Note", FieldType.Text);
        note.Required = true;
        var table = await data.CreateTableAsync(owner, DataFixture.Of("Name", FieldType.Text), note);
        var id = await data.CreateRecordAsync(owner, table, """{"Note":"long"}""");
        var task = await BeginAsync(owner);
        await UpdateAsync(owner, table, id, """{"Note":"b"}""", task);
        await data.Tables.UpdateFieldAsync(
            new UpdateFieldRequest
            {
                TableId = table.Id,
                Field = "Note",
                MaxLength = 3,
                Required = false,
                Unique = true,
            },
            data.As(owner, task: task)
        );
        var theirs = await data.CreateRecordAsync(other, table, """{"Name":"without a note"}""");

        var request = new UndoTaskRequest { TaskId = task };
        var part = Assert.Single((await data.Changes.UndoTaskAsync(request, data.As(owner))).Parts);
        Assert.Empty(part.Undone);
        Assert.Equal(
            [
                ("field", "It would be required again, and 1 records have no value."),
                ("record", "The field Note takes at most 3 characters now, and the record had more."),
            ],
            part.Left.Select(left => (left.Kind, left.Why)).Order()
        );
        Assert.True((await FieldAsync()) is { MaxLength: 3, Unique: true, Required: false });
        Assert.Equal(
            "VALUE_TAKEN",
            (await data.Records.CreateRecordsAsync(DataFixture.New(table, """{"Note":"b"}"""), data.As(owner)).ProblemAsync()).Reason
        );

        // Nothing is in the way of the field any more: it goes back with all of its rules, and the record after it.
        await DeleteAsync(owner, table, theirs);
        var (field, _) = await UndoAsync(owner, task);
        Assert.Equal([("field", "reverted", 1)], Told(field));
        Assert.True((await FieldAsync()) is { HasMaxLength: false, Unique: false, Required: true });
        var (record, _) = await UndoAsync(owner, task);
        Assert.Equal([("record", "reverted", 1)], Told(record));
        await data.CreateRecordsAsync(owner, table, """{"Note":"long"}""");

        async Task<Field> FieldAsync() => (await data.Tables.ListFieldsAsync(new() { TableId = table.Id }, data.As(owner))).Fields[1];
    }
}
