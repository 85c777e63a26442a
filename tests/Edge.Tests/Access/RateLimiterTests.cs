using System.Net;
using Microsoft.Extensions.Options;
using Platform.Edge.Access;
using Platform.Edge.Callers;
using Platform.Edge.Tests.Fixture;
using Platform.Edge.Tests.Protocol;
using Platform.Testing;

namespace Platform.Edge.Tests.Access;

public sealed class RateLimiterTests
{
    private readonly MovedClock _clock = new();

    private RateLimiter Limiter() => new(Options.Create(new AccessOptions { ReadsPerSecond = 10, WritesPerSecond = 4 }), _clock);

    private static int Take(RateLimiter limiter, int tries, string token = "t", bool write = false) =>
        Enumerable.Range(0, tries).Count(_ => limiter.TryTake(token, write));

    [Fact]
    public void A_token_gets_its_reads_and_writes_and_no_more()
    {
        var limiter = Limiter();
        Assert.Equal(10, Take(limiter, 50));
        Assert.Equal(4, Take(limiter, 50, write: true));
        Assert.Equal(10, Take(limiter, 50, "other"));
    }

    [Fact]
    public void The_second_slides_so_that_its_edge_gives_no_double_share()
    {
        var limiter = Limiter();
        _clock.Advance(TimeSpan.FromMilliseconds(850));
        Assert.Equal(10, Take(limiter, 50));
        _clock.Advance(TimeSpan.FromMilliseconds(100));
        Assert.Equal(0, Take(limiter, 50));
        _clock.Advance(TimeSpan.FromMilliseconds(500));
        Assert.InRange(Take(limiter, 50), 4, 5);
        _clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(10, Take(limiter, 50));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(20)]
    [InlineData(59)]
    public void After_the_wait_that_a_refusal_names_there_is_room_and_not_long_before(int second)
    {
        var limiter = Limiter();
        var limit = new RateLimit('j', 10, TimeSpan.FromMinutes(1));
        _clock.Advance(TimeSpan.FromSeconds(60 - _clock.GetUtcNow().Second + second));
        for (var round = 0; round < 5; round++)
        {
            while (limiter.TryTake("a", limit, out var _)) { }

            Assert.False(limiter.TryTake("a", limit, out var wait));
            Assert.InRange(wait, TimeSpan.FromMilliseconds(1), TimeSpan.FromMinutes(2));
            _clock.Advance(wait - TimeSpan.FromMilliseconds(50));
            Assert.False(limiter.TryTake("a", limit, out _));
            _clock.Advance(TimeSpan.FromMilliseconds(51));
            Assert.True(limiter.TryTake("a", limit, out _));
            Assert.True(limiter.TryTake("b", limit, out _));
        }
    }

    [Fact]
    public async Task Edges_that_share_their_counts_hold_the_limit_together()
    {
        var shared = new SharedCounts();
        var (one, two) = (Limiter(), Limiter());
        Assert.Equal(6, Take(one, 6));
        await one.ShareAsync(shared);
        Assert.Equal(1, Take(two, 1));
        await two.ShareAsync(shared);
        Assert.Equal(3, Take(two, 50));
        await two.ShareAsync(shared);
        Assert.Equal(4, Take(one, 50));
    }

    [Fact]
    public async Task Without_anybody_to_share_with_the_limit_is_local()
    {
        var limiter = Limiter();
        Assert.Equal(5, Take(limiter, 5));
        await limiter.ShareAsync(new SharedCounts { IsAway = true });
        Assert.Equal(5, Take(limiter, 50));
    }

    [Fact]
    public async Task What_is_long_over_is_forgotten_without_anybody_to_share_with_too()
    {
        var limiter = Limiter();
        foreach (var token in Enumerable.Range(0, 20_001))
        {
            Assert.True(limiter.TryTake($"{token}", write: false));
        }

        using var sharing = new RateSharing(limiter, TimeProvider.System);
        await sharing.StartAsync(TestContext.Current.CancellationToken);
        Assert.Equal(20_001, limiter.Remembered);
        _clock.Advance(TimeSpan.FromMinutes(10));
        await Eventually.True(() => limiter.Remembered <= 20_000);
        await sharing.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_call_past_the_limit_is_told_when_to_come_back()
    {
        await using var edge = await EdgeFixture.StartAsync(settings: [("Edge:Access:ReadsPerSecond", "2")]);
        var responses = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => edge.SendAsync("get_thing", """{"thingId":"1"}""")));
        var refused = responses.First(response => response.StatusCode == HttpStatusCode.TooManyRequests);
        Assert.Equal("1", refused.Headers.GetValues("Retry-After").Single());
        // Not one of the codes that say that the request is wrong.
        Assert.Equal(-32029, (await refused.JsonAsync()).GetProperty("error").GetProperty("code").GetInt32());
        Assert.Equal("get_thing", (await edge.BackEnd.Audit.ArrivedAsync(r => r.Reason == "RATE_LIMITED")).Tool);
    }

    private sealed class SharedCounts : ISharedRates
    {
        private readonly Dictionary<(string, long), long> _totals = [];

        public bool IsAway { get; init; }

        public Task<IReadOnlyList<long>?> AddAsync(IReadOnlyList<(string Key, long Window, int Count, TimeSpan Lifetime)> counts) =>
            Task.FromResult<IReadOnlyList<long>?>(
                IsAway ? null : [.. counts.Select(c => _totals[(c.Key, c.Window)] = _totals.GetValueOrDefault((c.Key, c.Window)) + c.Count)]
            );
    }
}
