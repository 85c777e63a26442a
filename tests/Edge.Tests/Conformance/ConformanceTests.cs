using System.Text.RegularExpressions;
using Platform.Edge.Tests.Protocol;

namespace Platform.Edge.Tests.Conformance;

/// <summary>The official conformance suite against the product's protocol engine, with the suite's own fixtures behind it.</summary>
public sealed partial class ConformanceTests : IAsyncLifetime
{
    // A server without sessions has no way to send a request of its own to a client of this era.
    private static readonly string[] _needSessions =
    [
        "elicitation-sep1034-defaults",
        "elicitation-sep1330-enums",
        "tools-call-elicitation",
        "tools-call-sampling",
    ];

    private FixtureServer _server = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await NpmTools.InstallAsync(Token);
        _server = await FixtureServer.StartAsync<ConformanceApplication>(("Edge:AllowLoopbackOrigins", "true"));
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task All_37_server_scenarios_of_2026_07_28_pass()
    {
        var (exitCode, output) = await RunAsync("--requirements", "2026-07-28");
        Assert.True(exitCode == 0, output);
        Assert.Equal(37, Scored(output).Count(scenario => scenario.Passed));
    }

    [Fact]
    public async Task All_scenarios_of_2025_11_25_pass_but_the_four_that_need_sessions()
    {
        var (_, output) = await RunAsync("--requirements", "2025-11-25");
        var scored = Scored(output);
        Assert.True(scored.Count == 30, output);
        Assert.Equal(
            _needSessions,
            scored.Where(scenario => !scenario.Passed).Select(scenario => scenario.Name).Order(StringComparer.Ordinal)
        );
    }

    [Theory]
    [InlineData("http-header-validation")]
    [InlineData("http-custom-header-server-validation")]
    [InlineData("json-schema-2020-12")]
    public async Task What_the_suite_does_not_score_yet_passes_too(string scenario)
    {
        var (exitCode, output) = await RunAsync("--scenario", scenario, "--spec-version", "2026-07-28");
        Assert.True(exitCode == 0, output);
    }

    private Task<(int ExitCode, string Output)> RunAsync(params string[] arguments) =>
        NpmTools.RunAsync("conformance", ["server", "--url", $"http://localhost:{_server.Url.Port}/mcp", .. arguments], Token);

    private static List<(string Name, bool Passed)> Scored(string output)
    {
        var notScored = NotScoredLine().Matches(output).Select(line => line.Groups["name"].Value).ToHashSet();
        return
        [
            .. SummaryLine()
                .Matches(output)
                .Select(line => (line.Groups["name"].Value, line.Groups["sign"].Value == "✓"))
                .Where(scenario => !notScored.Contains(scenario.Value)),
        ];
    }

    [GeneratedRegex(@"^(?<sign>[✓✗]) (?<name>\S+): \d+ passed", RegexOptions.Multiline)]
    private static partial Regex SummaryLine();

    [GeneratedRegex(@"^  [✓✗] (?<name>\S+) \(", RegexOptions.Multiline)]
    private static partial Regex NotScoredLine();
}
