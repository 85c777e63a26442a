using System.Diagnostics.Metrics;
using Platform.Edge.Tests.Fixture;
using Platform.Edge.Tests.Protocol;

namespace Platform.Edge.Tests.Audit;

/// <summary>The count is one for the whole process, so nothing else may run beside these.</summary>
[CollectionDefinition(nameof(RefusalCountTests), DisableParallelization = true)]
[Collection(nameof(RefusalCountTests))]
public sealed class RefusalCountTests : IAsyncLifetime
{
    private EdgeFixture _edge = null!;

    public async ValueTask InitializeAsync() => _edge = await EdgeFixture.StartAsync();

    public ValueTask DisposeAsync() => _edge.DisposeAsync();

    [Theory]
    [InlineData("{not json", "/mcp")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}""", "/mcp")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"ping"}""", "/mcp?toolsets=nonsense")]
    public async Task What_is_no_message_is_counted(string body, string path)
    {
        var counted = 0L;
        using var meter = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Name == "platform.edge.refusals")
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            },
        };
        meter.SetMeasurementEventCallback<long>((_, count, _, _) => Interlocked.Add(ref counted, count));
        meter.Start();
        using var request = Post.Raw(new Uri(_edge.Url, path), body);
        request.Headers.Authorization = new("Bearer", _edge.Token);
        using var response = await _edge.Http.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(400, (int)response.StatusCode);
        Assert.Equal(1, Interlocked.Read(ref counted));
    }
}
