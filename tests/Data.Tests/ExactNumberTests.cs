using System.Text.Json;
using Platform.Data.Contracts.V1;
using Platform.Testing;

namespace Platform.Data.Tests;

/// <summary>Many clients read JSON numbers as 64-bit floating point. No digit changes on the way, whichever client it is.</summary>
public sealed class ExactNumberTests(DataFixture data) : IClassFixture<DataFixture>
{
    public static TheoryData<string, string> Numbers =>
        new()
        {
            // as kept, as answered
            { "0", "0" },
            { "-0.50", "-0.50" },
            { "9007199254740991", "9007199254740991" },
            { "-9007199254740991", "-9007199254740991" },
            { "9007199254740992", "\"9007199254740992\"" },
            { "9007199254740993", "\"9007199254740993\"" },
            { "-9007199254740993", "\"-9007199254740993\"" },
            { "100000000000000000000", "\"100000000000000000000\"" },
            { "12345678901234567890.5", "\"12345678901234567890.5\"" },
            { "0.1", "0.1" },
            { "0.3333333333333333", "0.3333333333333333" },
            { "0.30000000000000004", "0.30000000000000004" },
            { "0.30000000000000003", "\"0.30000000000000003\"" },
            { "1234567890.1234567", "1234567890.1234567" },
            { "1234567890.12345678", "\"1234567890.12345678\"" },
            { "0.12345678901234567890", "\"0.12345678901234567890\"" },
            { "1.50000000000000000000", "1.50000000000000000000" },
            { "0.00000000000000000000000000000000000001", "0.00000000000000000000000000000000000001" },
        };

    [Theory]
    [MemberData(nameof(Numbers))]
    public async Task A_number_that_floating_point_would_change_is_answered_as_text_and_every_other_one_as_a_number(
        string kept,
        string answered
    )
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(owner, DataFixture.Of("N", FieldType.Number));
        var id = await data.CreateRecordAsync(owner, table, $$"""{"N":"{{kept}}"}""");
        Assert.Equal($$"""{"N":{{answered}}}""", await ReadAsync());

        // What a client reads and writes back as a double, or as text, changes nothing.
        using var read = JsonDocument.Parse(await ReadAsync());
        var value = read.RootElement.GetProperty("N");
        var written = value.ValueKind == JsonValueKind.Number ? JsonSerializer.Serialize(value.GetDouble()) : value.GetRawText();
        var call = data.Records.UpdateRecordAsync(
            new UpdateRecordRequest
            {
                TableId = table.Id,
                RecordId = id,
                Fields = DataFixture.Json($$"""{"N":{{written}}}"""),
            },
            data.As(owner)
        );
        Assert.Equal(1, (await call).Record.Version);
        Assert.Equal("unchanged", call.GetTrailers().GetValue("x-outcome"));

        // Filters take it in the same form, and history answers it so.
        foreach (var filter in new[] { $"\"{kept}\"", answered })
        {
            Assert.Single((await data.SearchAsync(owner, table, Condition("IS", filter))).Records);
            Assert.Single((await data.SearchAsync(owner, table, Condition("IS_ONE_OF", $"[{filter}]"))).Records);
            Assert.Single(
                (
                    await data.SearchAsync(
                        owner,
                        table,
                        $$"""{"operator":"IS_BETWEEN","leftSide":"N","lowerBound":{{filter}},"upperBound":{{filter}}}"""
                    )
                ).Records
            );
        }

        await data.Records.UpdateRecordAsync(
            new UpdateRecordRequest
            {
                TableId = table.Id,
                RecordId = id,
                Fields = DataFixture.Json("""{"N":7}"""),
            },
            data.As(owner)
        );
        var history = await data.Records.ListRecordHistoryAsync(
            new ListRecordHistoryRequest { TableId = table.Id, RecordId = id },
            data.As(owner)
        );
        Assert.Equal($$"""{"N":{{answered}}}""", history.Changes[0].Before.Utf8.ToStringUtf8());

        async Task<string> ReadAsync() => (await data.GetRecordAsync(owner, table, id)).Fields.Utf8.ToStringUtf8();
    }

    [Theory]
    [InlineData("9007199254740993")]
    [InlineData("12345678901234567000")]
    [InlineData("0.12345678901234567890")]
    public async Task A_number_that_may_have_been_changed_on_its_way_is_refused(string number)
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(owner, DataFixture.Of("N", FieldType.Number));
        var problem = await data
            .Records.CreateRecordsAsync(DataFixture.New(table, $$"""{"N":{{number}}}"""), data.As(owner))
            .ProblemAsync();
        Assert.Equal(
            ("records[0].fields.N", "Send it as text, in quotes."),
            (Assert.Single(problem.Violations).Field, problem.Violations[0].Fix)
        );
        problem = await data
            .Records.SearchRecordsAsync(
                new SearchRecordsRequest { TableId = table.Id, Filter = DataFixture.Json(Condition("IS", number)) },
                data.As(owner)
            )
            .ProblemAsync();
        Assert.Equal(
            ("filter.rightSide", "Send it as text, in quotes."),
            (Assert.Single(problem.Violations).Field, problem.Violations[0].Fix)
        );
    }

    [Theory]
    [InlineData("\"one\"")]
    [InlineData("\" 1\"")]
    [InlineData("\"1,5\"")]
    [InlineData("\"01\"")]
    [InlineData("\"0x1\"")]
    [InlineData("\"NaN\"")]
    [InlineData("\"١\"")]
    [InlineData("\"1e\"")]
    [InlineData("true")]
    public async Task Text_that_is_not_written_as_a_number_is_refused(string value)
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(owner, DataFixture.Of("N", FieldType.Number));
        var problem = await data.Records.CreateRecordsAsync(DataFixture.New(table, $$"""{"N":{{value}}}"""), data.As(owner)).ProblemAsync();
        Assert.Equal("Send a number such as 1234.5.", Assert.Single(problem.Violations).Fix);
    }

    private static string Condition(string operation, string value) =>
        $$"""{"operator":"{{operation}}","leftSide":"N","rightSide":{{value}}}""";
}
