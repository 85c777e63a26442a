using Platform.Edge.Tests.Fixture;
using Platform.Testing;

namespace Platform.Edge.Tests.Tools;

public sealed class CallDurationTests : IAsyncLifetime
{
    private EdgeFixture _edge = null!;

    public async ValueTask InitializeAsync() => _edge = await EdgeFixture.StartAsync();

    public ValueTask DisposeAsync() => _edge.DisposeAsync();

    [Fact]
    public async Task A_call_is_measured_by_its_tool()
    {
        await _edge.CallAsync("echo_thing", """{"thing":{}}""");
        await ExpectAsync(line =>
            line.Contains("mcp_method_name=\"tools/call\"", StringComparison.Ordinal)
            && line.Contains("gen_ai_tool_name=\"echo_thing\"", StringComparison.Ordinal)
            && !line.Contains("error_type", StringComparison.Ordinal)
        );
    }

    [Fact]
    public async Task A_call_that_fails_is_measured_by_its_reason()
    {
        await _edge.CallAsync("echo_thing", """{"thing":5}""");
        await ExpectAsync(line =>
            line.Contains("gen_ai_tool_name=\"echo_thing\"", StringComparison.Ordinal)
            && line.Contains("error_type=\"INVALID_ARGUMENT\"", StringComparison.Ordinal)
        );
    }

    [Fact]
    public async Task What_a_client_makes_up_is_no_label()
    {
        using var response = await _edge.SendAsync("made_up_tool");
        await ExpectAsync(line => line.Contains("error_type=\"UNKNOWN_TOOL\"", StringComparison.Ordinal));
        Assert.DoesNotContain(await MeasuredAsync(), line => line.Contains("made_up", StringComparison.Ordinal));
    }

    // A call is measured when it is over, which can be just after its answer came.
    private async Task ExpectAsync(Predicate<string> line)
    {
        List<string> measured = [];
        await Eventually.AsyncTrue(
            async () => (measured = await MeasuredAsync()).Exists(line),
            () => $"such a line among {string.Join('\n', measured)}"
        );
    }

    private async Task<List<string>> MeasuredAsync() =>
        [
            .. (await _edge.Http.GetStringAsync(new Uri(_edge.Url, "/metrics"), TestContext.Current.CancellationToken))
                .Split('\n')
                .Where(line => line.StartsWith("mcp_server_operation_duration_seconds_count", StringComparison.Ordinal)),
        ];
}
