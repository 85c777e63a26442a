using Platform.Edge.Tests.Fixture;

namespace Platform.Edge.Tests.Conformance;

/// <summary>The command line of the official inspector against the edge, in each of its eras.</summary>
public sealed class InspectorTests : IAsyncLifetime
{
    private EdgeFixture _edge = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await NpmTools.InstallAsync(Token);
        _edge = await EdgeFixture.StartAsync();
    }

    public ValueTask DisposeAsync() => _edge.DisposeAsync();

    [Theory]
    [InlineData("legacy")]
    [InlineData("auto")]
    [InlineData("modern")]
    public async Task It_lists_and_calls_tools(string era)
    {
        var (listed, list) = await InspectAsync(era, _edge.Token, "--method", "tools/list");
        Assert.True(listed == 0, list);
        Assert.Contains("get_thing", list, StringComparison.Ordinal);
        var (called, answer) = await InspectAsync(
            era,
            _edge.Token,
            "--method",
            "tools/call",
            "--tool-name",
            "get_thing",
            "--tool-arg",
            "thingId=first"
        );
        Assert.True(called == 0, answer);
        Assert.Contains("thing first", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_ends_with_5_after_an_error_of_a_tool_and_with_3_without_a_token()
    {
        Assert.Equal(5, (await InspectAsync("modern", _edge.Token, "--method", "tools/call", "--tool-name", "get_thing")).ExitCode);
        Assert.Equal(3, (await InspectAsync("modern", "nonsense", "--method", "tools/list")).ExitCode);
    }

    private Task<(int ExitCode, string Output)> InspectAsync(string era, string token, params string[] arguments) =>
        NpmTools.RunAsync(
            "mcp-inspector",
            [
                "--cli",
                "--server-url",
                $"{_edge.Url}",
                "--transport",
                "http",
                "--protocol-era",
                era,
                "--format",
                "json",
                "--stored-auth-only",
                "--header",
                $"Authorization: Bearer {token}",
                .. arguments,
            ],
            Token
        );
}
