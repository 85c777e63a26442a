using Platform.Edge.Tests.Fixture;
using Platform.Edge.Tests.Protocol;

namespace Platform.Edge.Tests.Tools;

public sealed class StreamedToolTests : IAsyncLifetime
{
    private EdgeFixture _edge = null!;

    public async ValueTask InitializeAsync() => _edge = await EdgeFixture.StartAsync();

    public ValueTask DisposeAsync() => _edge.DisposeAsync();

    [Fact]
    public async Task A_stream_tells_its_progress_to_those_who_ask_and_ends_with_the_answer()
    {
        using var request = Post.ModernRequest(
            _edge.Url,
            "tools/call",
            "\"name\":\"stream_things\",\"arguments\":{\"count\":3}",
            "stream_things",
            token: "\"p1\""
        );
        request.Headers.Authorization = new("Bearer", _edge.Token);
        using var response = await _edge.Http.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType!.MediaType);
        var events = (await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).Split(
            "\n\n",
            StringSplitOptions.RemoveEmptyEntries
        );
        Assert.Equal(3, events.Length);
        Assert.Contains("\"progress\":1,\"total\":3", events[0], StringComparison.Ordinal);
        Assert.Contains("\"progress\":2,\"total\":3", events[1], StringComparison.Ordinal);
        Assert.Contains("\"things\":3", events[2], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_token_the_answer_comes_whole_and_a_failure_is_one()
    {
        var result = await _edge.CallAsync("stream_things", """{"count":3}""");
        Assert.Equal(3, result.Structured().GetProperty("things").GetInt32());
        Assert.False(result.Structured().TryGetProperty("progress", out _));
        Assert.True((await _edge.CallAsync("stream_things", """{"count":0}""")).IsError());
    }
}
