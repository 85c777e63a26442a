using Platform.Changes.Contracts.V1;
using Platform.Data.Contracts.V1;
using Platform.Testing;
using Field = Platform.Data.Contracts.V1.Field;
using Record = Platform.Data.Contracts.V1.Record;

namespace Platform.Data.Tests;

/// <summary>Values that must differ change places. Whatever the order, a state in which they differ can be reached in one call.</summary>
public sealed class SwapTests(DataFixture data) : IClassFixture<DataFixture>
{
    [Theory]
    [InlineData("A>B,B>A", "B,A,C")]
    [InlineData("B>A,A>B", "B,A,C")]
    [InlineData("A>B,B>C,C>A", "B,C,A")]
    [InlineData("A>B,B>D", "B,D,C")]
    [InlineData("A>C,-C", "C,B")]
    [InlineData("A>B,-B,+A", "B,C,A")]
    public async Task Labels_of_choices_change_places_in_any_order(string changes, string expected)
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(
            owner,
            DataFixture.Of("T", FieldType.Text),
            DataFixture.Of("S", FieldType.Select, "A", "B", "C")
        );
        await data.CreateRecordsAsync(owner, table, """{"T":"1","S":"A"}""");
        var request = new UpdateFieldRequest
        {
            TableId = table.Id,
            Field = "S",
            ClearRemoved = changes.Contains('-', StringComparison.Ordinal),
        };
        foreach (var change in changes.Split(','))
        {
            switch (change[0], change.Split('>'))
            {
                case ('-', _):
                    request.RemoveChoices.Add(change[1..]);
                    break;
                case ('+', _):
                    request.AddChoices.Add(new Choice { Label = change[1..] });
                    break;
                case (_, [var from, var to]):
                    request.ChangeChoices.Add(new ChoiceChange { Choice = from, Label = to });
                    break;
            }
        }

        var task = await BeginAsync(owner);
        var updated = await data.Tables.UpdateFieldAsync(request, data.As(owner, task: task));
        Assert.Equal(expected, string.Join(',', updated.Field.Choices.Select(choice => choice.Label)));
        Assert.Equal(expected, string.Join(',', (await FieldsAsync(owner, table))[1].Choices.Select(choice => choice.Label)));

        await UndoAsync(owner, task);
        Assert.Equal("A,B,C", string.Join(',', (await FieldsAsync(owner, table))[1].Choices.Select(choice => choice.Label).Order()));
        Assert.Equal("""{"T":"1","S":"A"}""", Assert.Single(await RecordsAsync(owner, table)));
    }

    [Fact]
    public async Task A_label_that_two_choices_would_have_is_refused()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(
            owner,
            DataFixture.Of("T", FieldType.Text),
            DataFixture.Of("S", FieldType.Select, "A", "B", "C")
        );
        var problem = await data
            .Tables.UpdateFieldAsync(
                new UpdateFieldRequest
                {
                    TableId = table.Id,
                    Field = "S",
                    ChangeChoices =
                    {
                        new ChoiceChange { Choice = "A", Label = "B" },
                        new ChoiceChange { Choice = "B", Label = "C" },
                    },
                },
                data.As(owner)
            )
            .ProblemAsync();
        Assert.Equal(("INVALID_ARGUMENT", "choices[2].label"), (problem.Reason, Assert.Single(problem.Violations).Field));
    }

    [Theory]
    [InlineData("1=b,2=a", "b,a,c", "updated,updated")]
    [InlineData("2=a,1=b", "b,a,c", "updated,updated")]
    [InlineData("3=a,1=b,2=c", "b,c,a", "updated,updated,updated")]
    [InlineData("2=c,3=d", "a,c,d", "updated,updated")]
    [InlineData("1=null,2=a", ",a,c", "updated,updated")]
    [InlineData("4=a,1=x", "x,b,c,a", "created,updated")]
    [InlineData("1=b,2=a,3=c", "b,a,c", "updated,updated,unchanged")]
    public async Task Unique_values_change_places_in_any_order(string changes, string expected, string outcomes)
    {
        var owner = DataFixture.Owner();
        var unique = DataFixture.Of("U", FieldType.Text);
        unique.Unique = true;
        var table = await data.CreateTableAsync(owner, DataFixture.Of("K", FieldType.Number), unique);
        await data.CreateRecordsAsync(owner, table, """{"K":1,"U":"a"}""", """{"K":2,"U":"b"}""", """{"K":3,"U":"c"}""");
        var request = new UpsertRecordsRequest { TableId = table.Id, MatchFields = { "K" } };
        foreach (var change in changes.Split(',').Select(change => change.Split('=')))
        {
            request.Records.Add(
                new NewRecord
                {
                    Fields = DataFixture.Json($$"""{"K":{{change[0]}},"U":{{(change[1] == "null" ? "null" : $"\"{change[1]}\"")}}}"""),
                }
            );
        }

        var task = await BeginAsync(owner);
        var answer = await data.Records.UpsertRecordsAsync(request, data.As(owner, task: task));
        Assert.Equal(outcomes, string.Join(',', answer.Records.Select(record => record.Outcome)));
        var all = (await data.SearchAsync(owner, table)).Records;
        Assert.Equal(expected.Split(','), all.Select(Value));
        foreach (var upserted in answer.Records)
        {
            Assert.Equal(upserted.Version, all.Single(record => record.Id == upserted.Id).Version);
        }

        // History keeps each value once, and an undo brings all of them back.
        var first = (
            await data.Records.ListRecordHistoryAsync(
                new ListRecordHistoryRequest { TableId = table.Id, RecordId = answer.Records.First(one => one.Outcome == "updated").Id },
                data.As(owner)
            )
        ).Changes;
        Assert.Equal(["updated", "created"], first.Select(change => change.Kind));
        await UndoAsync(owner, task);
        Assert.Equal(["a", "b", "c"], (await data.SearchAsync(owner, table)).Records.Select(Value));

        static string Value(Record record) =>
            System.Text.Json.JsonDocument.Parse(record.Fields.Utf8.Memory).RootElement.GetProperty("U").GetString() ?? "";
    }

    [Fact]
    public async Task A_value_that_a_record_beside_the_call_has_is_taken_and_nothing_changes()
    {
        var owner = DataFixture.Owner();
        var unique = DataFixture.Of("U", FieldType.Text);
        unique.Unique = true;
        var table = await data.CreateTableAsync(owner, DataFixture.Of("K", FieldType.Number), unique);
        var ids = await data.CreateRecordsAsync(owner, table, """{"K":1,"U":"a"}""", """{"K":2,"U":"b"}""", """{"K":3,"U":"c"}""");
        var problem = await data
            .Records.UpsertRecordsAsync(
                new UpsertRecordsRequest
                {
                    TableId = table.Id,
                    MatchFields = { "K" },
                    Records =
                    {
                        new NewRecord { Fields = DataFixture.Json("""{"K":1,"U":"b"}""") },
                        new NewRecord { Fields = DataFixture.Json("""{"K":2,"U":"c"}""") },
                    },
                },
                data.As(owner)
            )
            .ProblemAsync();
        Assert.Equal("VALUE_TAKEN", problem.Reason);
        Assert.Contains($"is the value of {ids[2]}", problem.Violations.Select(violation => violation.Rule));
        Assert.Equal(["""{"K":1,"U":"a"}""", """{"K":2,"U":"b"}""", """{"K":3,"U":"c"}"""], await RecordsAsync(owner, table));
    }

    [Fact]
    public async Task Names_that_changed_places_go_back_in_one_undo()
    {
        var owner = DataFixture.Owner();
        var task = await BeginAsync(owner);
        var table = await data.CreateTableAsync(owner, DataFixture.Of("A", FieldType.Text), DataFixture.Of("B", FieldType.Text));
        foreach (var view in new[] { "V", "W" })
        {
            await data.Views.CreateViewAsync(
                new CreateViewRequest
                {
                    TableId = table.Id,
                    Name = view,
                    Fields = { "A" },
                },
                data.As(owner)
            );
        }

        foreach (var (from, to) in new[] { ("A", "x"), ("B", "A"), ("x", "B") })
        {
            await data.Tables.UpdateFieldAsync(
                new UpdateFieldRequest
                {
                    TableId = table.Id,
                    Field = from,
                    Name = to,
                },
                data.As(owner, task: task)
            );
        }

        foreach (var (from, to) in new[] { ("V", "x"), ("W", "V"), ("x", "W") })
        {
            await data.Views.UpdateViewAsync(
                new UpdateViewRequest
                {
                    TableId = table.Id,
                    View = from,
                    Name = to,
                },
                data.As(owner, task: task)
            );
        }

        Assert.Equal(["B", "A"], (await FieldsAsync(owner, table)).Select(field => field.Name));
        await UndoAsync(owner, task);
        Assert.Equal(["A", "B"], (await FieldsAsync(owner, table)).Select(field => field.Name));
    }

    private async Task<string> BeginAsync(TestCaller caller) =>
        (await data.Changes.BeginTaskAsync(new BeginTaskRequest { Goal = "swap" }, data.As(caller))).TaskId;

    private async Task UndoAsync(TestCaller caller, string task)
    {
        var request = new UndoTaskRequest { TaskId = task };
        var preview = await data.Changes.UndoTaskAsync(request, data.As(caller)).ProblemAsync();
        var part = Assert.Single(
            (await data.Changes.UndoTaskAsync(request, data.As(caller, confirmation: preview.Confirmation.Token))).Parts
        );
        Assert.Equal(0, part.LeftCount);
    }

    private async Task<IReadOnlyList<Field>> FieldsAsync(TestCaller caller, Table table) =>
        (await data.Tables.ListFieldsAsync(new ListFieldsRequest { TableId = table.Id }, data.As(caller))).Fields;

    private async Task<IEnumerable<string>> RecordsAsync(TestCaller caller, Table table) =>
        (await data.SearchAsync(caller, table)).Records.Select(record => record.Fields.Utf8.ToStringUtf8());
}
