using System.Text.Json;
using Fixture.Contracts.V1;
using Platform.Edge.Tests.Fixture;

namespace Platform.Edge.Tests.Tools;

/// <summary>Some clients lose the type of an argument and send its JSON as text.</summary>
public sealed class QuotedArgumentTests : IAsyncLifetime
{
    private EdgeFixture _edge = null!;

    public async ValueTask InitializeAsync() => _edge = await EdgeFixture.StartAsync();

    public ValueTask DisposeAsync() => _edge.DisposeAsync();

    [Theory]
    [InlineData("whole", "-5")]
    [InlineData("long", "9007199254740993")]
    [InlineData("real", "0.25")]
    [InlineData("flag", "true")]
    [InlineData("tags", """["a","b"]""")]
    [InlineData("numbers", "[0,-1]")]
    [InlineData("counts", """{"x":1}""")]
    [InlineData("parts", """[{"text":"5","pieces":[{"whole":2}]}]""")]
    public async Task Text_that_holds_the_json_of_the_declared_type_is_taken(string field, string value)
    {
        var quoted = JsonSerializer.Serialize(value);
        var padded = JsonSerializer.Serialize($" {value}\n");
        var plain = await ThingAsync($$$"""{"thing":{"{{{field}}}":{{{value}}}}}""");
        Assert.Equal(plain, await ThingAsync($$$"""{"thing":{"{{{field}}}":{{{quoted}}}}}"""));
        Assert.Equal(plain, await ThingAsync($$$"""{"thing":{"{{{field}}}":{{{padded}}}}}"""));
        var whole = JsonSerializer.Serialize($$$"""{"{{{field}}}":{{{quoted}}}}""");
        Assert.Equal(plain, await ThingAsync($$$"""{"thing":{{{whole}}}}"""));
    }

    [Theory]
    [InlineData("numbers", """["0","-1"]""", "[0,-1]")]
    [InlineData("counts", """{"x":"1"}""", """{"x":1}""")]
    [InlineData("parts", """["{\"pieces\":\"[{\\\"whole\\\":\\\"2\\\"}]\"}"]""", """[{"pieces":[{"whole":2}]}]""")]
    public async Task It_is_taken_at_every_depth(string field, string quoted, string plain) =>
        Assert.Equal(
            await ThingAsync($$$"""{"thing":{"{{{field}}}":{{{plain}}}}}"""),
            await ThingAsync($$$"""{"thing":{"{{{field}}}":{{{quoted}}}}}""")
        );

    [Fact]
    public async Task Text_stays_text_where_text_is_declared()
    {
        await ThingAsync("""{"thing":{"text":"5","anything":"[1]","parts":"[{\"text\":\"true\"}]","whole":"1"}}""");
        var received = Assert.IsType<EchoThingRequest>(_edge.BackEnd.Things.Calls.Last().Request).Thing;
        Assert.Equal(
            ("5", "\"[1]\"", "true", 1),
            (received.Text, received.Anything.Utf8.ToStringUtf8(), Assert.Single(received.Parts).Text, received.Whole)
        );
    }

    [Fact]
    public async Task What_travels_beside_the_request_may_be_text_too()
    {
        var answer = (await _edge.CallAsync("echo_thing", """{"thing":{},"dryRun":"true"}""")).Structured();
        Assert.True(answer.GetProperty("dryRun").GetBoolean());
        Assert.Equal("true", _edge.BackEnd.Things.Calls.Single().Headers.GetValue("x-dry-run"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("?surface=compact")]
    public async Task The_arguments_of_an_operation_may_be_text(string query)
    {
        var read = await _edge.CallAsync("query", """{"operation":"get_thing","arguments":"{\"thingId\":\"7\",\"size\":\"3\"}"}""", query);
        Assert.Equal("xxx", read.Structured().GetProperty("text").GetString());
        var refused = await _edge.CallAsync("query", """{"operation":"get_thing","arguments":"thingId: 7"}""", query);
        Assert.StartsWith(
            "INVALID_ARGUMENT: arguments: is text, not an object. Send an object as arguments, without quotes around it.",
            refused.Text(),
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("whole", "\"five\"", "is text, not an integer. Send an integer as thing.whole, without quotes around it.")]
    [InlineData("whole", "\"1.5\"", "is text, not an integer.")]
    [InlineData("whole", "\"\\\"5\\\"\"", "is text, not an integer.")]
    [InlineData("whole", "true", "is true or false, not an integer. Send an integer as thing.whole.")]
    [InlineData("flag", "\"True\"", "is text, not true or false. Send true or false as thing.flag, without quotes around it.")]
    [InlineData("flag", "1", "is a number, not true or false. Send true or false as thing.flag.")]
    [InlineData("tags", "\"a, b\"", "is text, not an array. Send an array as thing.tags, without quotes around it.")]
    [InlineData("tags", "\"{}\"", "is text, not an array.")]
    [InlineData("parts", "{}", "is an object, not an array. Send an array as thing.parts.")]
    [InlineData("text", "5", "is a number, not text. Send text as thing.text.")]
    [InlineData("numbers", "[1.5]", "[0]: is a number, not an integer. Send an integer as thing.numbers[0].")]
    public async Task A_refusal_says_what_was_sent_and_what_to_send(string field, string value, string says)
    {
        var refused = await _edge.CallAsync("echo_thing", $$$"""{"thing":{"{{{field}}}":{{{value}}}}}""");
        var separator = says.StartsWith('[') ? "" : ": ";
        Assert.StartsWith($"INVALID_ARGUMENT: thing.{field}{separator}{says}", refused.Text(), StringComparison.Ordinal);
        Assert.Empty(_edge.BackEnd.Things.Calls);
    }

    [Fact]
    public async Task With_several_broken_rules_each_stands_with_its_own_fix()
    {
        var refused = await _edge.CallAsync("echo_thing", """{"thing":{"whole":"x","flag":7,"odd":1,"strange":2}}""");
        Assert.StartsWith(
            """
            INVALID_ARGUMENT: 4 rules are broken:
            - thing.whole: is text, not an integer. Send an integer as thing.whole, without quotes around it.
            - thing.flag: is a number, not true or false. Send true or false as thing.flag.
            - thing.odd: is not known here. thing.strange: is not known here. Known members: anything, blob,
            """,
            refused.Text(),
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("""{"\ud800":1}""")]
    [InlineData("""{"whole":1,"whole":2}""")]
    public async Task Text_that_holds_what_no_body_may_hold_is_no_json(string value)
    {
        var refused = await _edge.CallAsync("echo_thing", $$$"""{"thing":{{{JsonSerializer.Serialize(value)}}}}""");
        Assert.StartsWith("INVALID_ARGUMENT: thing: is text, not an object.", refused.Text(), StringComparison.Ordinal);
        Assert.Empty(_edge.BackEnd.Things.Calls);
    }

    [Theory]
    [InlineData("numbers", "{}")]
    [InlineData("parts", "1")]
    public async Task Of_very_many_broken_rules_only_so_many_are_looked_for(string field, string item)
    {
        var items = string.Join(',', Enumerable.Repeat(item, 300_000));
        var refused = await _edge.CallAsync("echo_thing", $$$"""{"thing":{"{{{field}}}":[{{{items}}}]}}""");
        Assert.StartsWith("INVALID_ARGUMENT: At least 1000 rules are broken:", refused.Text(), StringComparison.Ordinal);
    }

    private async Task<string> ThingAsync(string arguments)
    {
        var result = await _edge.CallAsync("echo_thing", arguments);
        Assert.False(result.IsError(), result.ToString());
        return result.Structured().GetProperty("thing").ToString();
    }
}
