using System.Net;
using System.Text.Json;
using Platform.Changes.Contracts;
using Platform.Contracts;
using Platform.Edge.Tests.Fixture;
using Platform.Edge.Tests.Protocol;

namespace Platform.Edge.Tests.Completions;

public sealed class CompletionTests : IAsyncLifetime
{
    private const string Tool = "platform://tools/{name}";
    private const string Table = "platform://tables/{tableId}";
    private const string TableOf = "platform://environments/{environment}/tables/{tableId}";

    private EdgeFixture _edge = null!;

    private FakeIdentity Identity => _edge.BackEnd.Identity;

    private FakeThings Things => _edge.BackEnd.Things;

    public async ValueTask InitializeAsync() => _edge = await EdgeFixture.StartAsync();

    public ValueTask DisposeAsync() => _edge.DisposeAsync();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Both_eras_are_told_that_values_are_completed(bool isModern)
    {
        var request = isModern
            ? Post.ModernRequest(_edge.Url, "server/discover")
            : Post.Raw(
                _edge.Url,
                """
                {"jsonrpc":"2.0","id":1,"method":"initialize","params":
                  {"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}
                """
            );
        request.Headers.Authorization = new("Bearer", _edge.Token);
        using var response = await _edge.Http.SendAsync(request);
        Assert.Equal(
            JsonValueKind.Object,
            (await response.JsonAsync()).GetProperty("result").GetProperty("capabilities").GetProperty("completions").ValueKind
        );
    }

    [Fact]
    public async Task Tools_are_proposed_that_the_caller_can_use_and_whose_name_begins_so()
    {
        Assert.Equal("get_table, get_thing; 2 in all", await CompleteAsync(Tool, "name", "GET_"));
        Assert.Equal("; 0 in all", await CompleteAsync(Tool, "name", "thing"));
        Identity.Role = Identity.ProductionRole = Roles.Viewer;
        _edge.Token = Platform.Identity.Contracts.PersonalToken.Create();
        Assert.Equal("get_table, get_thing, list_tables; 3 in all", await CompleteAsync(Tool, "name", ""));
        Assert.Equal("get_thing; 1 in all", await CompleteAsync(Tool, "name", "", query: "?toolsets=things"));
    }

    [Fact]
    public async Task Environments_are_proposed_that_are_within_reach()
    {
        Assert.Equal("Sandbox; 1 in all", await CompleteAsync(TableOf, "environment", ""));
        AllowProduction();
        Assert.Equal("Live, Sandbox; 2 in all", await CompleteAsync(TableOf, "environment", ""));
        Assert.Equal("Live; 1 in all", await CompleteAsync(TableOf, "environment", "l"));
        Assert.Equal("Live; 1 in all", await CompleteAsync(TableOf, "environment", "", query: "?environment=production"));
    }

    [Fact]
    public async Task Tables_are_found_by_a_part_of_their_name_where_calls_go_or_in_the_environment_chosen_before()
    {
        (Things.Tables, Things.ProductionTables) = (["Notes", "Orders"], ["Old orders", "Payroll"]);
        Assert.Equal("tbl_Notes, tbl_Orders; 2 in all", await CompleteAsync(Table, "tableId", ""));
        Assert.Equal("tbl_Orders; 1 in all", await CompleteAsync(Table, "tableId", "ord"));
        Assert.Equal("; 0 in all", await CompleteAsync(TableOf, "tableId", "ord", environment: "Live"));
        AllowProduction();
        Assert.Equal("tbl_Old orders; 1 in all", await CompleteAsync(TableOf, "tableId", "ord", environment: "production"));
        Assert.Equal("tbl_Old orders; 1 in all", await CompleteAsync(Table, "tableId", "ord", query: "?environment=production"));
        Assert.Equal(
            "; 0 in all",
            await CompleteAsync(TableOf, "tableId", "ord", environment: "Sandbox", query: "?environment=production")
        );
        Assert.Equal("; 0 in all", await CompleteAsync(TableOf, "tableId", "ord", environment: "nowhere"));
        var record = await _edge.BackEnd.Audit.ArrivedAsync(one => one is { Tool: "list_tables", EnvironmentKind: "production" });
        Assert.Equal(("table.read", "read"), (record.Action, record.Outcome));
    }

    [Fact]
    public async Task More_than_fit_are_said_to_be_more()
    {
        Things.Tables = [.. Enumerable.Range(1000, 100).Select(number => $"T{number}")];
        Assert.EndsWith("tbl_T1099; 100 in all", await CompleteAsync(Table, "tableId", "T"), StringComparison.Ordinal);
        Things.Tables = [.. Things.Tables, "T2000"];
        var more = await CompleteAsync(Table, "tableId", "T");
        Assert.EndsWith("tbl_T1099; and more", more, StringComparison.Ordinal);
        Assert.Equal(100, more.Split(", ").Length);
        Assert.Equal("; 0 in all", await CompleteAsync(Table, "tableId", new string('T', 101)));
    }

    [Theory]
    [InlineData("platform://tables/{table}", "table", "There is no template 'platform://tables/{table}' here.")]
    [InlineData("platform://tables/tbl_1", "tableId", "There is no template 'platform://tables/tbl_1' here.")]
    [InlineData(Table, "environment", "environment: is not in the template platform://tables/{tableId}.")]
    public async Task What_is_not_there_is_refused(string template, string variable, string problem)
    {
        var answer = await AskAsync($$"""{"type":"ref/resource","uri":"{{template}}"}""", variable, "");
        Assert.Equal(-32602, answer.ErrorCode());
        Assert.StartsWith(problem, answer.GetProperty("error").GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_prompt_that_is_not_there_and_a_reference_of_another_kind_are_refused()
    {
        Assert.Equal(-32602, (await AskAsync("""{"type":"ref/prompt","name":"nonsense"}""", "table", "")).ErrorCode());
        foreach (var reference in (string[])["""{"type":"ref/other"}""", """{"type":"ref/prompt","name":null}""", "{}", "null"])
        {
            Assert.Equal(-32602, (await AskAsync(reference, "table", "")).ErrorCode());
        }
    }

    [Fact]
    public async Task Arguments_of_a_prompt_are_proposed_where_they_can_be_told_in_advance()
    {
        await using var edge = await EdgeFixture.StartAsync(more: [ChangesContract.Of("fixture"), ChangesContract.Of("other")]);
        async Task<JsonElement> CompleteAsync(string argument)
        {
            using var response = await SendAsync(edge, """{"type":"ref/prompt","name":"work_safely"}""", argument, "");
            return await response.JsonAsync();
        }
        Assert.Equal(
            """{"values":["Sandbox"],"total":1,"hasMore":false}""",
            (await CompleteAsync("environment")).GetProperty("result").GetProperty("completion").GetRawText()
        );
        Assert.Equal(
            """{"values":[],"total":0,"hasMore":false}""",
            (await CompleteAsync("goal")).GetProperty("result").GetProperty("completion").GetRawText()
        );
        Assert.Equal(
            "goaal: is not known here. Known arguments: goal, environment.",
            (await CompleteAsync("goaal")).GetProperty("error").GetProperty("message").GetString()
        );
    }

    [Fact]
    public async Task Who_may_not_read_tables_has_no_template_to_complete()
    {
        Identity.Scopes = ["workspace:read"];
        Assert.Equal(-32602, (await AskAsync($$"""{"type":"ref/resource","uri":"{{Table}}"}""", "tableId", "")).ErrorCode());
        // Who could step up sees the template, and is not made to by typing.
        _edge.Token = _edge.BackEnd.Issuer.Issue(EdgeFixture.PublicUrl);
        Assert.Equal("; 0 in all", await CompleteAsync(Table, "tableId", ""));
        Assert.Empty(Things.Calls);
    }

    [Fact]
    public async Task Tables_of_production_are_not_proposed_unseen()
    {
        AllowProduction();
        Things.ProductionTables = ["Payroll"];
        _edge.BackEnd.Audit.IsAway = true;
        var answer = await AskAsync($$"""{"type":"ref/resource","uri":"{{TableOf}}"}""", "tableId", "", "production");
        Assert.StartsWith("UNAVAILABLE", answer.GetProperty("error").GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Proposals_count_against_the_rate_of_the_token()
    {
        await using var edge = await EdgeFixture.StartAsync(settings: [("Edge:Access:ReadsPerSecond", "1")], time: new MovedClock());
        using var first = await SendAsync(edge, $$"""{"type":"ref/resource","uri":"{{Tool}}"}""", "name", "");
        Assert.Equal(HttpStatusCode.OK, first.StatusCode);
        using var second = await SendAsync(edge, $$"""{"type":"ref/resource","uri":"{{Tool}}"}""", "name", "");
        Assert.Equal(HttpStatusCode.TooManyRequests, second.StatusCode);
    }

    private void AllowProduction()
    {
        Identity.Switches.ProductionAccess = true;
        _edge.Token = Platform.Identity.Contracts.PersonalToken.Create();
    }

    /// <summary>What is proposed, and whether it is all.</summary>
    private async Task<string> CompleteAsync(string template, string variable, string typed, string? environment = null, string query = "")
    {
        var answer = await AskAsync($$"""{"type":"ref/resource","uri":"{{template}}"}""", variable, typed, environment, query);
        var completion = answer.GetProperty("result").GetProperty("completion");
        var values = string.Join(", ", completion.GetProperty("values").EnumerateArray().Select(value => value.GetString()));
        var isCounted = completion.TryGetProperty("total", out var total);
        Assert.NotEqual(isCounted, completion.GetProperty("hasMore").GetBoolean());
        return isCounted ? $"{values}; {total.GetInt32()} in all" : $"{values}; and more";
    }

    private async Task<JsonElement> AskAsync(string reference, string argument, string typed, string? environment = null, string query = "")
    {
        using var response = await SendAsync(_edge, reference, argument, typed, environment, query);
        return await response.JsonAsync();
    }

    private static Task<HttpResponseMessage> SendAsync(
        EdgeFixture edge,
        string reference,
        string argument,
        string typed,
        string? environment = null,
        string query = ""
    )
    {
        var context = environment is null ? "" : $$$""","context":{"arguments":{"environment":"{{{environment}}}"}}""";
        var request = Post.ModernRequest(
            new Uri(edge.Url + query),
            "completion/complete",
            $$"""
            "ref":{{reference}},"argument":{"name":"{{argument}}","value":"{{typed}}"}{{context}}
            """
        );
        request.Headers.Authorization = new("Bearer", edge.Token);
        return edge.Http.SendAsync(request);
    }
}
