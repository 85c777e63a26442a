using Platform.Data.Contracts.V1;
using Platform.Testing;

namespace Platform.Data.Tests;

public sealed partial class UpdateSchemaTests
{
    [Fact]
    public async Task One_call_says_one_thing_of_a_choice()
    {
        var owner = DataFixture.Owner();
        var state = DataFixture.Of("State", FieldType.Select, "A", "B");
        var table = await data.CreateTableAsync(owner, DataFixture.Of("Name", FieldType.Text), state);
        var twice = await RefusedAsync(new() { ChangeChoices = { ToBe("C"), ToBe("D") } });
        Assert.Equal(("changeChoices[1].choice", "names A again"), (twice.Field, twice.Rule));
        var both = await RefusedAsync(new() { ChangeChoices = { ToBe("C") }, RemoveChoices = { "A" } });
        Assert.Equal("removeChoices[0]", both.Field);

        static ChoiceChange ToBe(string label) => new() { Choice = "A", Label = label };

        async Task<Platform.Contracts.Violation> RefusedAsync(UpdateFieldRequest request)
        {
            (request.TableId, request.Field) = (table.Id, "State");
            return Assert.Single((await data.Tables.UpdateFieldAsync(request, data.As(owner)).ProblemAsync()).Violations);
        }
    }

    [Theory]
    [InlineData("x ")]
    [InlineData("\u00a0x")]
    [InlineData("x\ty")]
    [InlineData("x\u0000y")]
    public async Task No_record_makes_a_choice_that_the_field_could_not_keep(string label)
    {
        var owner = DataFixture.Owner();
        var tags = DataFixture.Of("Tags", FieldType.Select, "x y");
        tags.AllowNewChoices = true;
        var table = await data.CreateTableAsync(owner, DataFixture.Of("Name", FieldType.Text), tags);
        var record = DataFixture.New(table, $$"""{"Tags":{{System.Text.Json.JsonSerializer.Serialize(label)}}}""");
        Assert.Equal("INVALID_ARGUMENT", (await data.Records.CreateRecordsAsync(record, data.As(owner)).ProblemAsync()).Reason);
        await data.CreateRecordAsync(owner, table, """{"Tags":"x"}""");
        var update = new UpdateFieldRequest
        {
            TableId = table.Id,
            Field = "Tags",
            Description = "What it is about",
        };
        Assert.Equal(2, (await data.Tables.UpdateFieldAsync(update, data.As(owner))).Field.Choices.Count);
    }
}
