using System.Text.Json;
using ModelContextProtocol.Protocol;
using Platform.Edge.Tests.Fixture;

namespace Platform.Edge.Tests.Tools;

/// <summary>A destructive call acts once it is confirmed: by the model in a second call, or by the user of a client that can ask.</summary>
public sealed class ConfirmationTests : IAsyncLifetime
{
    private EdgeFixture _edge = null!;

    private static readonly string[] Things = ["1"];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _edge = await EdgeFixture.StartAsync();

    public ValueTask DisposeAsync() => _edge.DisposeAsync();

    [Fact]
    public async Task The_first_destructive_call_previews_and_the_confirmed_one_acts()
    {
        var first = await _edge.CallAsync("delete_things", """{"thingIds":["1","2"]}""");
        Assert.False(first.IsError());
        Assert.True(first.Structured().GetProperty("confirmationRequired").GetBoolean());
        Assert.Equal(2, first.Structured().GetProperty("preview").GetProperty("things").GetInt32());
        Assert.Equal("2030-01-02T03:04:05Z", first.Structured().GetProperty("expiresAt").GetString());
        Assert.Contains("Nothing was changed yet", first.Text(), StringComparison.Ordinal);
        var confirmation = first.Structured().GetProperty("confirmation").GetString();
        var second = await _edge.CallAsync("delete_things", $$"""{"thingIds":["1","2"],"confirmation":"{{confirmation}}"}""");
        Assert.Equal(2, second.Structured().GetProperty("deleted").GetInt32());
        Assert.Equal("previewed", (await _edge.BackEnd.Audit.ArrivedAsync(r => r.Tool == "delete_things")).Outcome);
    }

    [Theory]
    [InlineData("accept", true, "deleted")]
    [InlineData("accept", false, "NOT_CONFIRMED")]
    [InlineData("decline", true, "NOT_CONFIRMED")]
    [InlineData("cancel", true, "NOT_CONFIRMED")]
    public async Task A_client_that_can_ask_its_user_is_asked(string action, bool agrees, string expected)
    {
        const string Asks = """{"elicitation":{}}""";
        var first = await _edge.CallAsync("delete_things", """{"thingIds":["1"]}""", capabilities: Asks);
        Assert.Equal("input_required", first.GetProperty("resultType").GetString());
        Assert.Equal("elicitation/create", first.GetProperty("inputRequests").GetProperty("confirm").GetProperty("method").GetString());
        var state = first.GetProperty("requestState").GetString();
        var second = await _edge.CallAsync(
            "delete_things",
            """{"thingIds":["1"]}""",
            capabilities: Asks,
            more: $$"""
            "requestState":"{{state}}","inputResponses":{"confirm":{"action":"{{action}}","content":{"confirm":{{(
                agrees ? "true" : "false"
            )}} } } },
            """
        );
        Assert.Contains(expected, second.ToString(), StringComparison.Ordinal);
        Assert.Equal(expected == "deleted", _edge.BackEnd.Things.Calls.Any(call => call.Headers.GetValue("x-confirmation") == "sealed"));
        Assert.Equal(expected != "deleted", _edge.BackEnd.Things.Calls.Any(call => call.Headers.GetValue("x-declined") == "sealed"));
    }

    [Fact]
    public async Task A_dry_run_gives_the_model_no_way_past_a_user_who_can_be_asked()
    {
        const string Arguments = """{"thingIds":["1"],"dryRun":true}""";
        var shown = (await _edge.CallAsync("delete_things", Arguments, capabilities: """{"elicitation":{}}""")).Structured();
        Assert.Equal(1, shown.GetProperty("preview").GetProperty("things").GetInt32());
        Assert.False(shown.TryGetProperty("confirmation", out _));
        shown = (await _edge.CallAsync("delete_things", Arguments)).Structured();
        Assert.True(shown.TryGetProperty("confirmation", out _));
    }

    [Theory]
    [InlineData(@"""\ud800""")]
    [InlineData("5")]
    public async Task An_answer_of_the_user_that_nobody_can_read_is_none_and_is_asked_for_again(string action)
    {
        var result = await _edge.CallAsync(
            "delete_things",
            """{"thingIds":["1"]}""",
            capabilities: """{"elicitation":{}}""",
            more: $$$"""
            "requestState":"sealed","inputResponses":{"confirm":{"action":{{{action}}},"content":{"confirm":true} } },
            """
        );
        Assert.Equal("input_required", result.GetProperty("resultType").GetString());
        Assert.Null(_edge.BackEnd.Things.Calls.Single().Headers.GetValue("x-confirmation"));
        Assert.Null(_edge.BackEnd.Things.Calls.Single().Headers.GetValue("x-declined"));
    }

    [Theory]
    [InlineData("""{"action":"accept"}""")]
    [InlineData("""{"action":"accept","content":{"confirm":"yes"}}""")]
    [InlineData("""{"action":"accept","content":{"other":true}}""")]
    [InlineData("""{"action":"something else","content":{"confirm":true}}""")]
    public async Task Whatever_is_not_a_yes_takes_the_confirmation_back(string answer)
    {
        var result = await _edge.CallAsync(
            "delete_things",
            """{"thingIds":["1"]}""",
            capabilities: """{"elicitation":{}}""",
            more: $$"""
            "requestState":"sealed","inputResponses":{"confirm":{{answer}}},
            """
        );
        Assert.Contains("NOT_CONFIRMED: The user did not agree. Nothing was changed. (", result.Text(), StringComparison.Ordinal);
        Assert.Equal("sealed", _edge.BackEnd.Things.Calls.Single().Headers.GetValue("x-declined"));
        Assert.Null(_edge.BackEnd.Things.Calls.Single().Headers.GetValue("x-confirmation"));
    }

    [Fact]
    public async Task A_refusal_that_could_not_be_kept_says_so()
    {
        _edge.BackEnd.Things.DiesAfterwards = true;
        var result = await _edge.CallAsync(
            "delete_things",
            """{"thingIds":["1"]}""",
            capabilities: """{"elicitation":{}}""",
            more: """
            "requestState":"sealed","inputResponses":{"confirm":{"action":"decline"}},
            """
        );
        Assert.Contains("it stays valid until it expires", result.Text(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_client_that_can_open_pages_only_is_not_asked() =>
        Assert.True(
            (await _edge.CallAsync("delete_things", """{"thingIds":["1"]}""", capabilities: """{"elicitation":{"url":{}}}"""))
                .Structured()
                .GetProperty("confirmationRequired")
                .GetBoolean()
        );

    [Fact]
    public async Task The_official_client_asks_its_user_before_a_deletion()
    {
        var asked = new List<string>();
        await using var client = await _edge.ConnectAsync("2026-07-28", (request, _) =>
        {
            asked.Add(request!.Message);
            return ValueTask.FromResult(
                new ElicitResult
                {
                    Action = "accept",
                    Content = new Dictionary<string, JsonElement> { ["confirm"] = JsonDocument.Parse("true").RootElement },
                }
            );
        });
        var result = await client.CallToolAsync(
            "delete_things",
            new Dictionary<string, object?> { ["thingIds"] = Things },
            cancellationToken: Token
        );
        Assert.Equal(1, result.StructuredContent!.Value.GetProperty("deleted").GetInt32());
        Assert.Equal(
            "Delete things: nothing was changed yet, and this needs your agreement. It is about: Things: 1.",
            Assert.Single(asked)
        );
    }

    [Fact]
    public async Task A_person_who_declines_keeps_everything_and_the_refusal_is_recorded()
    {
        await using var client = await _edge.ConnectAsync("2026-07-28", (_, _) =>
            ValueTask.FromResult(new ElicitResult { Action = "decline" })
        );
        var result = await client.CallToolAsync(
            "delete_things",
            new Dictionary<string, object?> { ["thingIds"] = Things },
            cancellationToken: Token
        );
        Assert.True(result.IsError);
        Assert.Contains(
            "NOT_CONFIRMED: The user did not agree. Nothing was changed.",
            Assert.IsType<TextContentBlock>(result.Content.Single()).Text,
            StringComparison.Ordinal
        );
        Assert.DoesNotContain(_edge.BackEnd.Things.Calls, call => call.Headers.GetValue("x-confirmation") is not null);
        Assert.Equal("NOT_CONFIRMED", (await _edge.BackEnd.Audit.ArrivedAsync(record => record.Outcome == "refused")).Reason);
    }

    [Fact]
    public async Task An_answer_to_another_question_makes_the_question_come_again()
    {
        var result = await _edge.CallAsync(
            "delete_things",
            """{"thingIds":["1"]}""",
            capabilities: """{"elicitation":{}}""",
            more: """
            "requestState":"sealed","inputResponses":{"other":{"action":"accept","content":{"confirm":true}}},
            """
        );
        Assert.Equal("input_required", result.GetProperty("resultType").GetString());
    }

    // Without sessions a server cannot ask a client of the older era, whatever that client can do.
    [Theory]
    [InlineData("2025-11-25")]
    [InlineData("2025-06-18")]
    public async Task A_client_of_the_older_era_gets_the_two_calls(string version)
    {
        await using var client = await _edge.ConnectAsync(version, (_, _) => throw new InvalidOperationException("Nobody may be asked."));
        var arguments = new Dictionary<string, object?> { ["thingIds"] = Things };
        var first = await client.CallToolAsync("delete_things", arguments, cancellationToken: Token);
        Assert.True(first.StructuredContent!.Value.GetProperty("confirmationRequired").GetBoolean());
        arguments["confirmation"] = first.StructuredContent.Value.GetProperty("confirmation").GetString();
        var second = await client.CallToolAsync("delete_things", arguments, cancellationToken: Token);
        Assert.Equal(1, second.StructuredContent!.Value.GetProperty("deleted").GetInt32());
    }
}
