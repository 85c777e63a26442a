using System.Net;
using System.Text.Json;
using Platform.Contracts;
using Platform.Edge.Compact;
using Platform.Edge.Tests.Fixture;
using Platform.Edge.Tests.Protocol;
using Platform.Edge.Tests.Tools;
using Platform.Identity.Contracts.V1;

namespace Platform.Edge.Tests.Compact;

public sealed class CompactSurfaceTests : IAsyncLifetime
{
    private const string Surface = "?surface=compact";

    private EdgeFixture _edge = null!;

    private FakeIdentity Identity => _edge.BackEnd.Identity;

    public async ValueTask InitializeAsync() => _edge = await EdgeFixture.StartAsync();

    public ValueTask DisposeAsync() => _edge.DisposeAsync();

    [Fact]
    public async Task Its_tools_are_the_same_few_however_many_operations_there_are() =>
        Assert.Equal(["list_operations", "mutate", "query"], await _edge.ListAsync(Surface));

    [Theory]
    [InlineData("&readOnly=true")]
    [InlineData("&toolsets=trail")]
    public async Task Where_nothing_can_be_changed_there_is_no_mutate(string more)
    {
        Assert.Equal(["list_operations", "query"], await _edge.ListAsync(Surface + more));
        Assert.StartsWith(
            "UNKNOWN_OPERATION",
            (await MutateAsync("echo_thing", """{"thing":{}}""", more)).Text(),
            StringComparison.Ordinal
        );
        Assert.Empty(_edge.BackEnd.Things.Calls);
    }

    [Fact]
    public async Task Operations_of_every_toolset_are_listed_with_title_and_effect()
    {
        var operations = (await OperationsAsync("{}")).GetProperty("operations");
        Assert.Equal(
            ["administer", "delete_things", "echo_thing", "get_table", "get_thing", "list_tables", "read_trail", "stream_things"],
            Names(operations)
        );
        Assert.Equal(
            """{"name":"delete_things","title":"Delete things","toolset":"things","effect":"destructive"}""",
            operations[1].GetRawText()
        );
    }

    [Theory]
    [InlineData("""{"search":"delete"}""", "delete_things")]
    [InlineData("""{"search":"THING given"}""", "echo_thing")]
    [InlineData("""{"toolset":"trail"}""", "read_trail")]
    [InlineData("""{"search":"reads","toolset":"things"}""", "get_thing")]
    [InlineData("""{"search":"deletion"}""", "delete_things")]
    [InlineData("""{"search":"Answering"}""", "echo_thing")]
    public async Task Operations_are_found_by_words_and_toolset(string arguments, string expected) =>
        Assert.Equal([expected], Names((await OperationsAsync(arguments)).GetProperty("operations")));

    [Theory]
    [InlineData("invite")]
    [InlineData("Inviting")]
    [InlineData("invitations")]
    public void Every_form_of_a_word_finds_all_that_it_is_about(string word)
    {
        var found = OperationList.Find(Product.Surface.Tools, word).Select(tool => tool.Name);
        string[] expected =
        [
            "create_invitations",
            "invite_members",
            "list_invitations",
            "list_member_invitations",
            "resend_invitation",
            "resend_member_invitation",
            "revoke_invitation",
            "revoke_member_invitation",
        ];
        Assert.Empty(expected.Except(found));
    }

    [Fact]
    public async Task A_search_without_a_hit_says_how_to_go_on()
    {
        var answer = await OperationsAsync("""{"search":"unicorns"}""");
        Assert.Empty(Names(answer.GetProperty("operations")));
        Assert.Contains("administration, tables, things, trail", answer.GetProperty("hint").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_operation_is_told_with_both_its_schemas()
    {
        var operation = (await OperationsAsync("""{"name":"get_thing"}""")).GetProperty("operation");
        Assert.Equal("query", operation.GetProperty("callWith").GetString());
        Assert.Equal(
            40,
            operation.GetProperty("inputSchema").GetProperty("properties").GetProperty("thingId").GetProperty("maxLength").GetInt32()
        );
        Assert.True(operation.GetProperty("outputSchema").GetProperty("properties").TryGetProperty("text", out _));
    }

    [Fact]
    public async Task What_the_caller_may_not_do_is_not_there()
    {
        Identity.Role = Roles.Viewer;
        Identity.ProductionRole = Roles.Viewer;
        Assert.Equal(["get_table", "get_thing", "list_tables"], Names((await OperationsAsync("{}")).GetProperty("operations")));
        Assert.StartsWith(
            "UNKNOWN_OPERATION",
            (await ListOperationsAsync("""{"name":"delete_things"}""")).Text(),
            StringComparison.Ordinal
        );
        Assert.True((await MutateAsync("delete_things", """{"thingIds":["1"]}""")).IsError());
        Assert.Empty(_edge.BackEnd.Things.Calls);
    }

    [Fact]
    public async Task Query_reads_and_is_recorded_under_the_name_of_the_operation()
    {
        var result = await QueryAsync("get_thing", """{"thingId":"1"}""");
        Assert.Equal("thing 1", result.Structured().GetProperty("text").GetString());
        Assert.Equal("sandbox", result.Structured().GetProperty("environment").GetProperty("kind").GetString());
        Assert.Equal("thing.read", (await _edge.BackEnd.Audit.ArrivedAsync(record => record.Tool == "get_thing")).Action);
    }

    [Fact]
    public async Task Mutate_writes_with_what_travels_beside_the_request()
    {
        Assert.False(
            (
                await MutateAsync("echo_thing", """{"thing":{"text":"a"},"idempotencyKey":"k1","dryRun":true,"environment":"sandbox"}""")
            ).IsError()
        );
        var (_, _, headers) = Assert.Single(_edge.BackEnd.Things.Calls);
        Assert.Equal(
            ("k1", "true", "echo_thing"),
            (headers.GetValue("x-idempotency-key"), headers.GetValue("x-dry-run"), headers.GetValue("x-tool"))
        );
    }

    [Fact]
    public async Task Query_cannot_be_made_to_change_anything()
    {
        Assert.StartsWith(
            "WRONG_TOOL: The effect of delete_things is destructive. Call it with mutate.",
            (await QueryAsync("delete_things", """{"thingIds":["1"],"confirmation":"sealed"}""")).Text(),
            StringComparison.Ordinal
        );
        Assert.StartsWith("WRONG_TOOL", (await QueryAsync("echo_thing", """{"thing":{}}""")).Text(), StringComparison.Ordinal);
        Assert.StartsWith(
            "WRONG_TOOL: The effect of get_thing is read. Call it with query.",
            (await MutateAsync("get_thing", """{"thingId":"1"}""")).Text(),
            StringComparison.Ordinal
        );
        Assert.Empty(_edge.BackEnd.Things.Calls);
        Assert.Equal("WRONG_TOOL", (await _edge.BackEnd.Audit.ArrivedAsync(record => record.Tool == "delete_things")).Reason);
    }

    [Fact]
    public async Task A_destructive_operation_needs_its_confirmation()
    {
        var first = await MutateAsync("delete_things", """{"thingIds":["1"]}""");
        Assert.True(first.Structured().GetProperty("confirmationRequired").GetBoolean());
        Assert.Contains("call mutate with delete_things again", first.Text(), StringComparison.Ordinal);
        Assert.Equal(
            1,
            (await MutateAsync("delete_things", """{"thingIds":["1"],"confirmation":"sealed"}"""))
                .Structured()
                .GetProperty("deleted")
                .GetInt32()
        );
    }

    [Fact]
    public async Task A_client_that_can_ask_its_user_is_asked_here_too()
    {
        const string Arguments = """{"operation":"delete_things","arguments":{"thingIds":["1"]}}""";
        const string Asks = """{"elicitation":{}}""";
        var first = await _edge.CallAsync("mutate", Arguments, Surface, capabilities: Asks);
        Assert.Equal("input_required", first.GetProperty("resultType").GetString());
        var second = await _edge.CallAsync(
            "mutate",
            Arguments,
            Surface,
            capabilities: Asks,
            more: $$"""
            "requestState":"{{first.GetProperty(
                "requestState"
            ).GetString()}}","inputResponses":{"confirm":{"action":"accept","content":{"confirm":true} } },
            """
        );
        Assert.Equal(1, second.Structured().GetProperty("deleted").GetInt32());
    }

    [Fact]
    public async Task Arguments_are_checked_as_those_of_the_named_tool()
    {
        Assert.Contains(
            "nonsense: is not known here. Known arguments: ending, environment, size, thingId",
            (await QueryAsync("get_thing", """{"thingId":"1","nonsense":1}""")).Text(),
            StringComparison.Ordinal
        );
        var outer = (await _edge.CallAsync("query", """{"operation":"get_thing","thingId":"1"}""", Surface)).Text();
        Assert.Contains("thingId: is not known here.", outer, StringComparison.Ordinal);
        Assert.Contains("arguments, operation", outer, StringComparison.Ordinal);
        Assert.Contains("operation: is required", (await _edge.CallAsync("query", "{}", Surface)).Text(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_token_without_the_scope_is_asked_to_step_up_as_for_the_named_tool()
    {
        Identity.Scopes = ["databases.records:read"];
        using var response = await _edge.SendAsync(
            "mutate",
            """{"operation":"echo_thing","arguments":{"thing":{}}}""",
            Surface,
            token: _edge.BackEnd.Issuer.Issue(EdgeFixture.PublicUrl)
        );
        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
        Assert.Contains("databases.records:write", response.Headers.WwwAuthenticate.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_switch_that_forbids_writing_holds_here_too()
    {
        Identity.Switches.WriteAccess = false;
        Assert.StartsWith("WRITES_NOT_ALLOWED", (await MutateAsync("echo_thing", """{"thing":{}}""")).Text(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Each_surface_knows_its_own_tools_only()
    {
        using var named = await _edge.SendAsync("get_thing", """{"thingId":"1"}""", Surface);
        Assert.Contains(
            "has list_operations, query, mutate and whoami",
            (await named.JsonAsync()).GetProperty("error").GetProperty("message").GetString(),
            StringComparison.Ordinal
        );
        using var compact = await _edge.SendAsync("query", """{"operation":"get_thing"}""", "?toolsets=things");
        Assert.Equal(-32602, (await compact.JsonAsync()).ErrorCode());
        Assert.Empty(_edge.BackEnd.Things.Calls);
    }

    [Fact]
    public async Task Who_is_not_let_in_learns_no_operation()
    {
        Identity.Refusal = Refusal.Revoked;
        using var response = await _edge.SendAsync("list_operations", "{}", Surface);
        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
    }

    private static string[] Names(JsonElement operations) =>
        [.. operations.EnumerateArray().Select(operation => operation.GetProperty("name").GetString()!)];

    private Task<JsonElement> ListOperationsAsync(string arguments) => _edge.CallAsync("list_operations", arguments, Surface);

    private async Task<JsonElement> OperationsAsync(string arguments) => (await ListOperationsAsync(arguments)).Structured();

    private Task<JsonElement> QueryAsync(string operation, string arguments) =>
        _edge.CallAsync("query", $$"""{"operation":"{{operation}}","arguments":{{arguments}} }""", Surface);

    private Task<JsonElement> MutateAsync(string operation, string arguments, string more = "") =>
        _edge.CallAsync("mutate", $$"""{"operation":"{{operation}}","arguments":{{arguments}} }""", Surface + more);
}
