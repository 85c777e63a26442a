using System.Text.Json;
using Platform.Changes.Contracts;
using Platform.Contracts.Catalogue;
using Platform.Edge.Tests.Fixture;
using Platform.Edge.Tools;

namespace Platform.Edge.Tests.Tools;

/// <summary>Tools that several services offer.</summary>
public sealed class SharedCallsTests : IAsyncLifetime
{
    private EdgeFixture _edge = null!;

    private FakeChanges Services => _edge.BackEnd.Changes;

    public async ValueTask InitializeAsync() =>
        _edge = await EdgeFixture.StartAsync(more: [ChangesContract.Of("fixture"), ChangesContract.Of("other")]);

    public ValueTask DisposeAsync() => _edge.DisposeAsync();

    [Fact]
    public async Task Every_service_is_asked_with_its_own_assertion_and_their_parts_stand_in_one_answer()
    {
        var parts = (await SummarizeAsync()).GetProperty("parts");
        Assert.Equal(["fixture", "other"], parts.EnumerateArray().Select(part => part.GetProperty("service").GetString()!).Order());
        Assert.Equal(["fixture", "other"], Services.Asked.Select(asked => asked.Service).Order());
        Assert.Single(Services.Asked.Select(asked => asked.CallId).Distinct());
        Assert.Single(await _edge.ListAsync(), tool => tool == "undo_task");
    }

    [Fact]
    public async Task An_answer_that_is_the_same_everywhere_is_given_once()
    {
        var begun = (await _edge.CallAsync("begin_task", """{"goal":"tidy up"}""")).Structured();
        Assert.Equal("tsk_same", begun.GetProperty("taskId").GetString());
        Assert.Equal(2, Services.Asked.Count);
        Assert.Equal(Services.Asked.First().CallId, begun.GetProperty("callId").GetString());
    }

    [Fact]
    public async Task Who_knows_nothing_of_it_has_no_part_unless_nobody_does()
    {
        Services.Unknowing.Add("other");
        Assert.Equal(
            "fixture",
            Assert.Single((await SummarizeAsync()).GetProperty("parts").EnumerateArray()).GetProperty("service").GetString()
        );
        Services.Unknowing.Add("fixture");
        Assert.StartsWith(
            "TASK_NOT_FOUND",
            (await _edge.CallAsync("summarize_task", """{"taskId":"tsk_1"}""")).Text(),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task A_service_in_which_nothing_changed_has_no_part_unless_nothing_changed_anywhere()
    {
        Services.Idle.Add("other");
        Assert.Equal(
            "fixture",
            Assert.Single((await SummarizeAsync()).GetProperty("parts").EnumerateArray()).GetProperty("service").GetString()
        );
        Services.Idle.Add("fixture");
        Assert.Single((await SummarizeAsync()).GetProperty("parts").EnumerateArray());
    }

    [Fact]
    public async Task One_confirmation_shows_what_each_would_do_and_lets_each_do_it()
    {
        var asked = (await _edge.CallAsync("undo_task", """{"taskId":"tsk_1"}""")).Structured();
        Assert.Equal(
            ("fixture", "other"),
            (
                asked.GetProperty("preview").GetProperty("fixture").GetProperty("of").GetString(),
                asked.GetProperty("preview").GetProperty("other").GetProperty("of").GetString()
            )
        );
        var undone = await UndoAsync(asked);
        Assert.Equal(
            [2, 2],
            undone.GetProperty("parts").EnumerateArray().Select(part => part.GetProperty("undone")[0].GetProperty("count").GetInt32())
        );
    }

    [Fact]
    public async Task Who_has_nothing_to_do_tells_before_and_after_what_stays()
    {
        var asked = (await _edge.CallAsync("undo_task", """{"taskId":"tsk_stays"}""")).Structured();
        Assert.Equal("fixture", asked.GetProperty("preview").GetProperty("fixture").GetProperty("of").GetString());
        Assert.Equal(
            "CANNOT_BE_UNDONE",
            asked.GetProperty("preview").GetProperty("other").GetProperty("left")[0].GetProperty("reason").GetString()
        );
        var undone = await UndoAsync(asked, "tsk_stays");
        Assert.Equal(2, undone.GetProperty("parts").GetArrayLength());
    }

    [Fact]
    public async Task A_service_that_fails_when_another_has_acted_already_is_named()
    {
        var asked = (await _edge.CallAsync("undo_task", """{"taskId":"tsk_1"}""")).Structured();
        Services.Failing.Add("other");
        var parts = (await UndoAsync(asked))
            .GetProperty("parts")
            .EnumerateArray()
            .ToDictionary(part => part.GetProperty("service").GetString()!);
        Assert.Equal(2, parts["fixture"].GetProperty("undone")[0].GetProperty("count").GetInt32());
        Assert.Equal(
            "OUTCOME_UNKNOWN: the other service gave no answer. It may have done its part all the same.",
            parts["other"].GetProperty("failed").GetString()
        );
        Assert.DoesNotContain("10.0.0.7", parts["other"].ToString(), StringComparison.Ordinal);

        var read = (await SummarizeAsync())
            .GetProperty("parts")
            .EnumerateArray()
            .ToDictionary(part => part.GetProperty("service").GetString()!);
        Assert.StartsWith("UNAVAILABLE", read["other"].GetProperty("failed").GetString(), StringComparison.Ordinal);
        Services.Failing.Add("fixture");
        Assert.StartsWith("OUTCOME_UNKNOWN", (await _edge.CallAsync("begin_task", """{"goal":"x"}""")).Text(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("fixture", "other")]
    [InlineData("other", "fixture")]
    public async Task A_service_that_may_have_acted_is_not_hidden_by_another_that_refused(string busy, string lost)
    {
        Services.Busy.Add(busy);
        Services.Failing.Add(lost);
        Assert.StartsWith("OUTCOME_UNKNOWN", (await _edge.CallAsync("begin_task", """{"goal":"x"}""")).Text(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_shared_answer_is_one_list_of_parts_that_can_tell_of_a_failure_or_the_same_from_all() =>
        Assert.All(ToolCatalogue.Join(ChangesContract.Of("a"), ChangesContract.Of("b")).Tools, tool =>
        {
            Assert.Equal(["a", "b"], tool.Services);
            if (tool.Name == "begin_task")
            {
                return;
            }

            var part = SharedCalls.PartsOf(tool.Method.OutputType)!.MessageType;
            Assert.NotNull(part.FindFieldByName("service"));
            Assert.NotNull(part.FindFieldByName("failed"));
        });

    private async Task<JsonElement> SummarizeAsync() => (await _edge.CallAsync("summarize_task", """{"taskId":"tsk_1"}""")).Structured();

    private async Task<JsonElement> UndoAsync(JsonElement asked, string task = "tsk_1") =>
        (
            await _edge.CallAsync(
                "undo_task",
                $$"""{"taskId":"{{task}}","confirmation":"{{asked.GetProperty("confirmation").GetString()}}"}"""
            )
        ).Structured();
}
