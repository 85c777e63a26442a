using Platform.Edge.Tests.Fixture;
using Platform.Identity.Contracts.V1;
using Platform.Testing;

namespace Platform.Edge.Tests.Access;

public sealed class CallerCacheTests : IAsyncLifetime
{
    private const string Call = """{"thingId":"1"}""";

    private readonly MovedClock _clock = new();
    private EdgeFixture _edge = null!;

    private FakeIdentity Identity => _edge.BackEnd.Identity;

    public async ValueTask InitializeAsync() => _edge = await EdgeFixture.StartAsync(time: _clock);

    public ValueTask DisposeAsync() => _edge.DisposeAsync();

    [Fact]
    public async Task A_decision_holds_for_less_than_half_a_second()
    {
        await _edge.CallAsync("get_thing", Call);
        _clock.Advance(TimeSpan.FromMilliseconds(249));
        await _edge.CallAsync("get_thing", Call);
        Assert.Equal(1, Identity.Asked);

        Identity.Refusal = Refusal.Revoked;
        _clock.Advance(TimeSpan.FromMilliseconds(251));
        using var response = await _edge.SendAsync("get_thing", Call);
        Assert.Equal(System.Net.HttpStatusCode.Unauthorized, response.StatusCode);
    }

    [Fact]
    public async Task Past_half_of_it_one_refresh_starts_and_nobody_waits_for_it()
    {
        await _edge.CallAsync("get_thing", Call);
        var gate = new TaskCompletionSource();
        Identity.Gate = gate.Task;
        _clock.Advance(TimeSpan.FromMilliseconds(300));
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => _edge.CallAsync("get_thing", Call)));
        await WaitForAsync(2);
        Assert.Equal(2, Identity.Asked);
        gate.SetResult();
    }

    [Fact]
    public async Task Callers_that_come_together_share_one_question()
    {
        var gate = new TaskCompletionSource();
        Identity.Gate = gate.Task;
        var calls = Enumerable.Range(0, 8).Select(_ => _edge.CallAsync("get_thing", Call)).ToList();
        await WaitForAsync(1);
        gate.SetResult();
        await Task.WhenAll(calls);
        Assert.Equal(1, Identity.Asked);
    }

    [Fact]
    public async Task A_decision_does_not_outlive_an_identity_that_went_away()
    {
        await _edge.CallAsync("get_thing", Call);
        Identity.IsAway = true;
        _clock.Advance(TimeSpan.FromMilliseconds(300));
        await _edge.CallAsync("get_thing", Call);
        _clock.Advance(TimeSpan.FromMilliseconds(200));
        using var response = await _edge.SendAsync("get_thing", Call);
        Assert.Equal(System.Net.HttpStatusCode.ServiceUnavailable, response.StatusCode);
    }

    [Fact]
    public async Task Another_environment_is_another_question()
    {
        Identity.Switches.ProductionAccess = true;
        await _edge.CallAsync("get_thing", Call);
        await _edge.CallAsync("get_thing", """{"thingId":"1","environment":"production"}""");
        Assert.Equal(2, Identity.Asked);
    }

    private Task WaitForAsync(int asked) => Eventually.True(() => Identity.Asked >= asked);
}
