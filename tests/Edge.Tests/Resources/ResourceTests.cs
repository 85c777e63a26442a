using System.Net;
using System.Text.Json;
using Platform.Contracts;
using Platform.Edge.Tests.Fixture;
using Platform.Edge.Tests.Protocol;

namespace Platform.Edge.Tests.Resources;

public sealed class ResourceTests : IAsyncLifetime
{
    private EdgeFixture _edge = null!;

    private FakeIdentity Identity => _edge.BackEnd.Identity;

    public async ValueTask InitializeAsync() => _edge = await EdgeFixture.StartAsync();

    public ValueTask DisposeAsync() => _edge.DisposeAsync();

    [Fact]
    public async Task Documents_and_templates_are_listed()
    {
        var list = (await AskAsync("resources/list")).GetProperty("result");
        Assert.Equal(["platform://docs/conventions", "platform://docs/tools"], list.GetProperty("resources").EnumerateArray().Select(one => one.GetProperty("uri").GetString()));
        Assert.Equal("private", list.GetProperty("cacheScope").GetString());
        Assert.Equal(["platform://environments/{environment}/tables/{tableId}", "platform://tables/{tableId}", "platform://tools/{name}"], await TemplatesAsync());
    }

    [Fact]
    public async Task A_broken_cursor_is_refused() =>
        Assert.Equal(-32602, (await AskAsync("resources/list", "\"cursor\":\"zzz\"")).ErrorCode());

    [Fact]
    public async Task A_document_tells_how_calls_work() =>
        Assert.Contains("idempotencyKey", Content(await ReadAsync("platform://docs/conventions")), StringComparison.Ordinal);

    [Fact]
    public async Task The_document_of_tools_has_those_the_caller_can_use_and_no_other()
    {
        Assert.Contains("`administer`", Content(await ReadAsync("platform://docs/tools")), StringComparison.Ordinal);
        Identity.Role = Identity.ProductionRole = Roles.Viewer;
        _edge.Token = Platform.Identity.Contracts.PersonalToken.Create();
        var text = Content(await ReadAsync("platform://docs/tools"));
        Assert.Contains("`get_thing`", text, StringComparison.Ordinal);
        Assert.DoesNotContain("`delete_things`", text, StringComparison.Ordinal);
        Assert.Equal(-32602, (await ReadAsync("platform://tools/delete_things")).ErrorCode());
    }

    [Fact]
    public async Task The_contract_of_a_tool_has_both_schemas()
    {
        using var contract = JsonDocument.Parse(Content(await ReadAsync("platform://tools/get_thing")));
        Assert.True(contract.RootElement.TryGetProperty("outputSchema", out _));
        Assert.Equal(40, contract.RootElement.GetProperty("inputSchema").GetProperty("properties").GetProperty("thingId").GetProperty("maxLength").GetInt32());
    }

    [Fact]
    public async Task The_schema_of_a_table_is_read_and_recorded_as_the_tool_that_reads_it()
    {
        using var table = JsonDocument.Parse(Content(await ReadAsync("platform://tables/tbl_1")));
        Assert.Equal("table tbl_1", table.RootElement.GetProperty("name").GetString());
        Assert.Equal("sandbox", table.RootElement.GetProperty("environment").GetProperty("kind").GetString());
        Assert.Equal("table.read", (await _edge.BackEnd.Audit.ArrivedAsync(record => record.Tool == "get_table")).Action);
    }

    [Fact]
    public async Task A_table_of_production_needs_production()
    {
        Assert.Contains("PRODUCTION_NOT_ALLOWED", (await ReadAsync("platform://environments/production/tables/tbl_1")).GetRawText(), StringComparison.Ordinal);
        Identity.Switches.ProductionAccess = true;
        _edge.Token = Platform.Identity.Contracts.PersonalToken.Create();
        using var table = JsonDocument.Parse(Content(await ReadAsync("platform://environments/production/tables/tbl_1")));
        Assert.Equal("production", table.RootElement.GetProperty("environment").GetProperty("kind").GetString());
        Assert.Equal("production", (await _edge.BackEnd.Audit.ArrivedAsync(record => record.Tool == "get_table" && record.Outcome == "read")).EnvironmentKind);
    }

    [Fact]
    public async Task A_read_that_must_be_seen_is_not_shown_while_audit_is_away()
    {
        Identity.Switches.StrictAudit = true;
        _edge.BackEnd.Audit.IsAway = true;
        var answer = await ReadAsync("platform://tables/tbl_1");
        Assert.Contains("UNAVAILABLE", answer.GetRawText(), StringComparison.Ordinal);
        Assert.DoesNotContain("table tbl_1", answer.GetRawText(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("platform://tables/missing")]
    [InlineData("platform://tables/")]
    [InlineData("platform://tables")]
    [InlineData("platform://nothing/here")]
    [InlineData("file:///etc/passwd")]
    [InlineData("platform://tools/no_such_tool")]
    public async Task What_is_not_there_is_told_with_its_uri(string uri)
    {
        var answer = await ReadAsync(uri);
        Assert.Equal(-32602, answer.ErrorCode());
        Assert.Equal(uri, answer.GetProperty("error").GetProperty("data").GetProperty("uri").GetString());
    }

    [Fact]
    public async Task Who_lacks_the_permission_is_shown_no_table_and_who_lacks_the_scope_is_asked_to_step_up()
    {
        Identity.Scopes = ["workspace:read"];
        Assert.Equal(["platform://tools/{name}"], await TemplatesAsync());
        Assert.Contains("INSUFFICIENT_SCOPE", (await ReadAsync("platform://tables/tbl_1")).GetRawText(), StringComparison.Ordinal);
        using var response = await SendAsync("resources/read", "\"uri\":\"platform://tables/tbl_1\"", "platform://tables/tbl_1", "", _edge.BackEnd.Issuer.Issue(EdgeFixture.PublicUrl));
        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
        Assert.Contains("databases.records:read", response.Headers.WwwAuthenticate.ToString(), StringComparison.Ordinal);
        Assert.Empty(_edge.BackEnd.Things.Calls);
    }

    [Fact]
    public async Task A_url_that_leaves_the_toolset_out_leaves_the_resource_out()
    {
        Assert.Equal(-32602, (await AskAsync("resources/read", "\"uri\":\"platform://tables/tbl_1\"", "platform://tables/tbl_1", "?toolsets=things")).ErrorCode());
        Assert.Empty(_edge.BackEnd.Things.Calls);
    }

    private async Task<string[]> TemplatesAsync() =>
        [.. (await AskAsync("resources/templates/list")).GetProperty("result").GetProperty("resourceTemplates").EnumerateArray().Select(one => one.GetProperty("uriTemplate").GetString()!)];

    private Task<JsonElement> ReadAsync(string uri) => AskAsync("resources/read", $"\"uri\":\"{uri}\"", uri);

    private static string Content(JsonElement answer) => answer.GetProperty("result").GetProperty("contents")[0].GetProperty("text").GetString()!;

    private async Task<JsonElement> AskAsync(string method, string members = "", string? name = null, string query = "")
    {
        using var response = await SendAsync(method, members, name, query, _edge.Token);
        return await response.JsonAsync();
    }

    private async Task<HttpResponseMessage> SendAsync(string method, string members, string? name, string query, string token)
    {
        var request = Post.ModernRequest(new Uri(_edge.Url + query), method, members, name);
        request.Headers.Authorization = new("Bearer", token);
        return await _edge.Http.SendAsync(request);
    }
}
