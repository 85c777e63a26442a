using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Platform.Edge.Http;
using Platform.Edge.Tests.Fixture;
using Platform.Edge.Tests.Protocol;

namespace Platform.Edge.Tests.Tools;

public sealed partial class UnforeseenFailureTests : IAsyncLifetime
{
    private EdgeFixture _edge = null!;

    public async ValueTask InitializeAsync() => _edge = await EdgeFixture.StartAsync();

    public ValueTask DisposeAsync() => _edge.DisposeAsync();

    [Theory]
    [InlineData("tools/call", "get_table", "\"name\":\"get_table\",\"arguments\":{\"tableId\":\"tbl_1\"}", "get_table")]
    [InlineData("resources/list", null, "", "list_tables")]
    [InlineData("resources/read", "platform://tables/tbl_1", "\"uri\":\"platform://tables/tbl_1\"", "get_table")]
    [InlineData(
        "completion/complete",
        null,
        "\"ref\":{\"type\":\"ref/resource\",\"uri\":\"platform://tables/{tableId}\"},\"argument\":{\"name\":\"tableId\",\"value\":\"\"}",
        "list_tables"
    )]
    public async Task Whatever_calls_a_tool_logs_and_records_what_nobody_foresaw_and_tells_the_trace_alone(
        string method,
        string? name,
        string members,
        string tool
    )
    {
        _edge.BackEnd.Identity.GivesAssertions = false;
        var line = await FailAsync(method, members, name);
        Assert.Contains($"{tool} failed", line, StringComparison.Ordinal);
        Assert.Contains("Identity gave no assertion", line, StringComparison.Ordinal);
        var record = await _edge.BackEnd.Audit.ArrivedAsync(record => record.Tool == tool);
        Assert.Equal(("failed", "INTERNAL"), (record.Outcome, record.Reason));
    }

    [Fact]
    public void What_breaks_before_anybody_knows_the_call_is_logged_by_its_method()
    {
        using var message = JsonDocument.Parse("""{"jsonrpc":"2.0","id":1,"method":"prompts/list"}""");
        var exchange = new McpExchange(new DefaultHttpContext(), message.RootElement, null);
        var told = _edge.Services.GetRequiredService<McpApplication>().Explain(exchange, new InvalidOperationException("inside"));
        Assert.DoesNotContain("inside", told, StringComparison.Ordinal);
        Assert.Contains("prompts/list failed", Logged(told), StringComparison.Ordinal);
    }

    /// <summary>Asks for what must fail, and returns the only line that was logged about it.</summary>
    private async Task<string> FailAsync(string method, string members = "", string? name = null)
    {
        using var request = Post.ModernRequest(_edge.Url, method, members, name);
        request.Headers.Authorization = new("Bearer", _edge.Token);
        using var response = await _edge.Http.SendAsync(request, TestContext.Current.CancellationToken);
        var answer = await response.JsonAsync();
        return Logged(answer.TryGetProperty("result", out var result) ? result.Text() : MessageOf(answer));
    }

    /// <summary>The only error in the log, which has the trace id that the client was told.</summary>
    private string Logged(string told)
    {
        var trace = Told().Match(told);
        Assert.True(trace.Success, told);
        var line = Assert.Single(_edge.Log.Lines, line => line.StartsWith("Error ", StringComparison.Ordinal));
        Assert.Contains($"(trace {trace.Groups[1].Value})", line, StringComparison.Ordinal);
        return line;
    }

    private static string MessageOf(JsonElement answer)
    {
        Assert.Equal(-32603, answer.ErrorCode());
        return answer.GetProperty("error").GetProperty("message").GetString()!;
    }

    [GeneratedRegex(@"^INTERNAL: Something unforeseen happened\. Report the trace id\. \(trace ([0-9a-f-]{32,36})\)$")]
    private static partial Regex Told();
}
