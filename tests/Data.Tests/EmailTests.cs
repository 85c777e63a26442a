using Platform.Data.Contracts.V1;
using Platform.Testing;

namespace Platform.Data.Tests;

/// <summary>Addresses that differ in case only are one, wherever values are compared. They are kept as they were sent.</summary>
public sealed class EmailTests(DataFixture data) : IClassFixture<DataFixture>
{
    [Fact]
    public async Task A_unique_address_is_taken_whatever_its_case()
    {
        var (owner, table) = await TableAsync();
        var id = await data.CreateRecordAsync(owner, table, """{"K":1,"E":"Ada@Example.com"}""");
        var taken = await data
            .Records.CreateRecordsAsync(DataFixture.New(table, """{"E":"b@example.com"}""", """{"E":"ada@example.COM"}"""), data.As(owner))
            .ProblemAsync();
        Assert.Equal(
            ("VALUE_TAKEN", "records[1].fields.E", $"is the value of {id}"),
            (taken.Reason, Assert.Single(taken.Violations).Field, taken.Violations[0].Rule)
        );
        var twice = await data
            .Records.CreateRecordsAsync(DataFixture.New(table, """{"E":"c@example.com"}""", """{"E":"C@example.com"}"""), data.As(owner))
            .ProblemAsync();
        Assert.Equal(("INVALID_ARGUMENT", "has the value of records[0].fields.E"), (twice.Reason, Assert.Single(twice.Violations).Rule));
        Assert.Equal("""{"K":1,"E":"Ada@Example.com"}""", Assert.Single(await RecordsAsync(owner, table)));

        // The record itself may change the case of its own address.
        await data.Records.UpdateRecordAsync(
            new UpdateRecordRequest
            {
                TableId = table.Id,
                RecordId = id,
                Fields = DataFixture.Json("""{"E":"ada@example.com"}"""),
            },
            data.As(owner)
        );
        Assert.Equal("""{"K":1,"E":"ada@example.com"}""", Assert.Single(await RecordsAsync(owner, table)));
    }

    [Fact]
    public async Task An_upsert_matches_an_address_whatever_its_case()
    {
        var (owner, table) = await TableAsync();
        var id = await data.CreateRecordAsync(owner, table, """{"K":1,"E":"Ada@Example.com"}""");
        var request = new UpsertRecordsRequest
        {
            TableId = table.Id,
            MatchFields = { "E" },
            Records =
            {
                new NewRecord { Fields = DataFixture.Json("""{"E":"ADA@example.com","K":2}""") },
                new NewRecord { Fields = DataFixture.Json("""{"E":"new@example.com","K":3}""") },
            },
        };
        var answer = await data.Records.UpsertRecordsAsync(request, data.As(owner));
        Assert.Equal([(id, "updated"), (answer.Records[1].Id, "created")], answer.Records.Select(record => (record.Id, record.Outcome)));

        request.Records.Add(new NewRecord { Fields = DataFixture.Json("""{"E":"NEW@example.com"}""") });
        var twice = await data.Records.UpsertRecordsAsync(request, data.As(owner)).ProblemAsync();
        Assert.Equal("has the key of records[1].fields", Assert.Single(twice.Violations).Rule);
    }

    [Theory]
    [InlineData("""{"operator":"IS","leftSide":"E","rightSide":"ADA@example.com"}""", "1")]
    [InlineData("""{"operator":"IS_NOT","leftSide":"E","rightSide":"ADA@example.com"}""", "23")]
    [InlineData("""{"operator":"IS_ONE_OF","leftSide":"E","rightSide":["ADA@example.com"]}""", "1")]
    [InlineData("""{"operator":"IS_ONE_OF","leftSide":"E","rightSide":["ADA@example.com","BOB@example.com"]}""", "12")]
    [InlineData("""{"operator":"IS","leftSide":"E","rightSide":"Ä@example.com"}""", "3")]
    [InlineData("""{"operator":"IS","leftSide":"E","rightSide":"ä@example.com"}""", "")]
    public async Task A_filter_finds_an_address_whatever_the_case_of_its_ascii_letters(string filter, string expected)
    {
        var (owner, table) = await TableAsync();
        await data.CreateRecordsAsync(
            owner,
            table,
            """{"K":1,"E":"Ada@Example.com"}""",
            """{"K":2,"E":"bob@example.com"}""",
            """{"K":3,"E":"Ä@Example.com"}"""
        );
        Assert.Equal(
            expected,
            string.Concat(
                (await data.SearchAsync(owner, table, filter)).Records.Select(record =>
                    System.Text.Json.JsonDocument.Parse(record.Fields.Utf8.Memory).RootElement.GetProperty("K").GetRawText()
                )
            )
        );
    }

    [Fact]
    public async Task A_field_with_addresses_that_differ_in_case_only_does_not_become_unique()
    {
        var (owner, table) = await TableAsync(unique: false);
        await data.CreateRecordsAsync(owner, table, """{"E":"a@example.com"}""", """{"E":"A@example.com"}""");
        var request = new UpdateFieldRequest
        {
            TableId = table.Id,
            Field = "E",
            Unique = true,
        };
        var problem = await data.Tables.UpdateFieldAsync(request, data.As(owner)).ProblemAsync();
        Assert.Equal("unique", Assert.Single(problem.Violations).Field);
    }

    private async Task<(TestCaller Owner, Table Table)> TableAsync(bool unique = true)
    {
        var owner = DataFixture.Owner();
        var email = DataFixture.Of("E", FieldType.Email);
        email.Unique = unique;
        return (owner, await data.CreateTableAsync(owner, DataFixture.Of("K", FieldType.Number), email));
    }

    private async Task<IEnumerable<string>> RecordsAsync(TestCaller caller, Table table) =>
        (await data.SearchAsync(caller, table)).Records.Select(record => record.Fields.Utf8.ToStringUtf8());
}
