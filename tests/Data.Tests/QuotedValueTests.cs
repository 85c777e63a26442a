using System.Text.Json;
using Platform.Data.Contracts.V1;
using Platform.Testing;

namespace Platform.Data.Tests;

/// <summary>Some clients send numbers, booleans and lists as the text of their JSON. Where a field holds text, it is text.</summary>
public sealed class QuotedValueTests(FilterTests.Fixture data) : IClassFixture<FilterTests.Fixture>
{
    [Theory]
    [InlineData("Checkbox", """ "true" """, "true")]
    [InlineData("Checkbox", """ " false " """, "false")]
    [InlineData("Number", """ "2.5" """, "2.5")]
    [InlineData("Multi", """ "[\"Red\",\"Blue\"]" """, """["Red","Blue"]""")]
    [InlineData("Text", """ "[\"Red\"]" """, """ "[\"Red\"]" """)]
    [InlineData("Text", """ "true" """, """ "true" """)]
    [InlineData("Long", """ "{\"a\":1}" """, """ "{\"a\":1}" """)]
    public async Task A_value_is_read_as_what_its_field_holds(string field, string sent, string kept)
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableOfAllTypesAsync(owner);
        var id = await data.CreateRecordAsync(owner, table, $$"""{"{{field}}":{{sent}}}""");
        using var fields = JsonDocument.Parse((await data.GetRecordAsync(owner, table, id)).Fields.Utf8.Memory);
        Assert.Equal(kept.Trim(), fields.RootElement.GetProperty(field).GetRawText());
    }

    [Theory]
    [InlineData("Checkbox", """ "yes" """, "is text, not true or false")]
    [InlineData("Checkbox", """ "[true]" """, "is text, not true or false")]
    [InlineData("Multi", """ "Red" """, "is text, not an array")]
    [InlineData("Multi", """ "[\"Pink\"]" """, "is text, not an array")]
    public async Task What_is_no_value_either_way_is_refused_as_it_was_sent(string field, string sent, string rule)
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableOfAllTypesAsync(owner);
        var problem = await data
            .Records.CreateRecordsAsync(DataFixture.New(table, $$"""{"{{field}}":{{sent}}}"""), data.As(owner))
            .ProblemAsync();
        Assert.Equal(rule, Assert.Single(problem.Violations).Rule);
    }

    [Fact]
    public async Task Links_are_read_from_the_text_of_a_list()
    {
        var owner = DataFixture.Owner();
        var customers = await data.CreateTableAsync(owner, DataFixture.Of("Name", FieldType.Text));
        var ada = await data.CreateRecordAsync(owner, customers, """{"Name":"Ada"}""");
        var link = DataFixture.Of("Customer", FieldType.Link);
        link.LinkTableId = customers.Id;
        var orders = (
            await data.Tables.CreateTableAsync(
                new CreateTableRequest
                {
                    DatabaseId = customers.DatabaseId,
                    Name = "Orders",
                    Fields = { DataFixture.Of("No", FieldType.Number), link },
                },
                data.As(owner)
            )
        ).Table;
        var list = JsonSerializer.Serialize($"""["{ada}"]""");
        await data.CreateRecordAsync(owner, orders, $$"""{"No":1,"Customer":{{list}}}""");
        var filter = $$"""{"operator":"HAS_ANY_OF","leftSide":"Customer","rightSide":{{list}}}""";
        Assert.Single((await data.SearchAsync(owner, orders, filter)).Records);
    }

    [Theory]
    [InlineData("""{"operator":"IS","leftSide":"Checkbox","rightSide":"true"}""", "ac")]
    [InlineData("""{"operator":"IS_ONE_OF","leftSide":"Number","rightSide":"[1,-3]"}""", "ac")]
    [InlineData("""{"operator":"IS_ONE_OF","leftSide":"Select","rightSide":"[\"Green\",\"Blue\"]"}""", "bc")]
    [InlineData("""{"operator":"HAS_ALL_OF","leftSide":"Multi","rightSide":"[\"Red\",\"Green\"]"}""", "bd")]
    [InlineData("""{"operator":"IS_BETWEEN","leftSide":"Number","lowerBound":"1","upperBound":"2.5"}""", "ab")]
    [InlineData("""{"operator":"OR","conditions":"[{\"operator\":\"IS\",\"leftSide\":\"Text\",\"rightSide\":\"a\"}]"}""", "a")]
    [InlineData("""{"operator":"OR","conditions":["{\"operator\":\"IS\",\"leftSide\":\"Text\",\"rightSide\":\"a\"}"]}""", "a")]
    [InlineData("""{"operator":"IS","leftSide":"Text","rightSide":"a","lowerBound":null,"upperBound":null,"conditions":null}""", "a")]
    [InlineData("""{"operator":"IS_EMPTY","leftSide":"Long","rightSide":null}""", "e")]
    [InlineData(
        """{"operator":"IS_WITHIN","leftSide":"Date","rightSide":null,"lowerBound":"2026-11-16","upperBound":"2026-11-20"}""",
        "ab"
    )]
    [InlineData("""{"operator":"IS_ONE_OF","leftSide":"Text","rightSide":"[\"a\"]"}""", "")]
    public async Task A_filter_is_read_in_the_same_way_and_null_counts_as_left_out(string filter, string found) =>
        Assert.Equal(found, await data.FindAsync(filter));

    [Theory]
    [InlineData(""" "{\"\\ud800\":1,\"operator\":\"IS_EMPTY\",\"leftSide\":\"Text\"}" """)]
    [InlineData(""" "{\"operator\":\"IS_EMPTY\",\"operator\":\"IS_EMPTY\",\"leftSide\":\"Text\"}" """)]
    [InlineData("""{"operator":"IS","leftSide":"id","rightSide":"\ud800"}""")]
    public async Task A_condition_that_nobody_can_read_is_refused(string condition)
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableOfAllTypesAsync(owner);
        var filter = DataFixture.Json($$"""{"operator":"AND","conditions":[{{condition}}]}""");
        var request = new SearchRecordsRequest { TableId = table.Id, Filter = filter };
        Assert.Equal("INVALID_ARGUMENT", (await data.Records.SearchRecordsAsync(request, data.As(owner)).ProblemAsync()).Reason);
    }

    [Fact]
    public async Task A_view_keeps_such_a_filter_as_it_is_meant()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableOfAllTypesAsync(owner);
        await data.CreateRecordsAsync(owner, table, """{"Text":"a","Select":"Red"}""", """{"Text":"b","Select":"Green"}""");
        var conditions = JsonSerializer.Serialize(
            """["{\"operator\":\"IS_ONE_OF\",\"leftSide\":\"Select\",\"rightSide\":\"[\\\"Red\\\"]\",\"lowerBound\":null}"]"""
        );
        var view = (
            await data.Views.CreateViewAsync(
                new CreateViewRequest
                {
                    TableId = table.Id,
                    Name = "Red ones",
                    Filter = DataFixture.Json($$"""{"operator":"AND","conditions":{{conditions}}}"""),
                },
                data.As(owner)
            )
        ).View;
        Assert.Equal(
            """{"operator":"AND","conditions":[{"operator":"IS_ONE_OF","leftSide":"Select","rightSide":["Red"]}]}""",
            view.Filter.Utf8.ToStringUtf8()
        );
        // The choice is kept by its id, so that it can be renamed.
        var renamed = new UpdateFieldRequest { TableId = table.Id, Field = "Select" };
        renamed.ChangeChoices.Add(new ChoiceChange { Choice = "Red", Label = "Crimson" });
        await data.Tables.UpdateFieldAsync(renamed, data.As(owner));
        var listed = await data.Records.ListRecordsAsync(new ListRecordsRequest { TableId = table.Id, View = "Red ones" }, data.As(owner));
        Assert.Contains("Crimson", Assert.Single(listed.Records).Fields.Utf8.ToStringUtf8(), StringComparison.Ordinal);
    }
}
