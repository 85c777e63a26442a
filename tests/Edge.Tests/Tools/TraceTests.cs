using Platform.Edge.Tests.Fixture;
using Platform.Edge.Tests.Protocol;

namespace Platform.Edge.Tests.Tools;

public sealed class TraceTests : IAsyncLifetime
{
    private const string Of = "0af7651916cd43dd8448eb211c80319c";
    private const string Parent = $"00-{Of}-b7ad6b7169203331-01";
    private const string Other = "00-11111111111111111111111111111111-b7ad6b7169203331-01";

    private EdgeFixture _edge = null!;

    public async ValueTask InitializeAsync() => _edge = await EdgeFixture.StartAsync();

    public ValueTask DisposeAsync() => _edge.DisposeAsync();

    [Theory]
    [InlineData(Parent, null)]
    [InlineData(Parent, Other)]
    [InlineData(null, Parent)]
    [InlineData("nonsense", Parent)]
    public async Task What_a_call_causes_belongs_to_the_trace_that_its_client_tells(string? inMetadata, string? inHeader)
    {
        await CallAsync(Contracts.Ids.Format("thg", Contracts.Ids.New()), inMetadata, inHeader);
        Assert.Contains(Of, _edge.BackEnd.Things.Calls.Single().Headers.GetValue("traceparent"), StringComparison.Ordinal);
        Assert.Contains(Of, (await _edge.BackEnd.Audit.ArrivedAsync(r => r.Tool == "get_thing")).TraceParent, StringComparison.Ordinal);
        Assert.Contains($"(trace {Of})", await CallAsync("", inMetadata, inHeader), StringComparison.Ordinal);
    }

    private async Task<string> CallAsync(string thing, string? inMetadata, string? inHeader)
    {
        var meta = inMetadata is null ? "" : $$""","_meta":{"traceparent":"{{inMetadata}}"}""";
        using var request = Post.Raw(
            _edge.Url,
            $$"""
            {"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_thing","arguments":{"thingId":"{{thing}}"}{{meta}} } }
            """
        );
        request.Headers.Authorization = new("Bearer", _edge.Token);
        if (inHeader is not null)
        {
            request.Headers.Add("traceparent", inHeader);
        }

        using var response = await _edge.Http.SendAsync(request, TestContext.Current.CancellationToken);
        return await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
    }
}
