using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;
using Platform.Edge.Http;

namespace Platform.Edge.Tests.Protocol;

public sealed class WaitTests
{
    [Fact]
    public async Task An_answer_that_comes_in_the_moment_when_the_wait_ends_is_an_answer()
    {
        var clock = new FiredClock();
        var options = Options.Create(new McpEndpointOptions { PublicUrl = new Uri("https://mcp.example.test/mcp") });
        var endpoint = new McpEndpoint(new FixtureApplication(), new OriginPolicy(options), options, clock);
        using var message = JsonDocument.Parse("""{"jsonrpc":"2.0","id":1,"method":"ping"}""");
        using var reply = new McpReply(new McpExchange(new DefaultHttpContext(), message.RootElement, null), default);
        var answering = new TaskCompletionSource();
        // First in line: the answer is there, and the time runs out before the endpoint has heard of it.
        var fired = answering.Task.ContinueWith(
            _ => clock.Fire(),
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default
        );

        var waiting = endpoint.WaitAsync(answering.Task, reply, CancellationToken.None).AsTask();
        answering.SetResult();
        await fired;
        await waiting;
    }

    /// <summary>A clock whose timers run out when a test says so.</summary>
    private sealed class FiredClock : TimeProvider
    {
        private Action _fire = () => { };

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            _fire += () => callback(state);
            return new Timer();
        }

        public void Fire() => _fire();

        private sealed class Timer : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => true;

            public void Dispose() { }

            public ValueTask DisposeAsync() => ValueTask.CompletedTask;
        }
    }
}
