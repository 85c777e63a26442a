using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Platform.Edge.SignIn;
using Platform.Edge.Tests.Fixture;
using Platform.LocalServers;
using Platform.Servers;
using Platform.Testing;
using StackExchange.Redis;

namespace Platform.Edge.Tests.SignIn;

/// <summary>The same refresh, twice.</summary>
public sealed class RefreshGraceTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(2)]
    [InlineData(5)]
    public async Task Several_at_once_have_one_answer_and_so_has_one_that_comes_soon_after(int windows)
    {
        await using var server = await FakeSignInServer.StartAsync();
        var clock = new MovedClock();
        await using var edge = await server.StartEdgeAsync(clock);
        server.Gate = new TaskCompletionSource();
        var at = Enumerable.Range(0, windows).Select(_ => RefreshAsync(edge, "the-token")).ToList();
        await Eventually.True(() => !server.Exchanges.IsEmpty);
        server.Gate.SetResult();
        var token = Assert.Single((await Task.WhenAll(at)).Distinct());
        clock.Advance(RefreshGrace.Grace - TimeSpan.FromSeconds(1));
        Assert.Equal(token, await RefreshAsync(edge, "the-token"));
        Assert.Single(server.Exchanges);

        Assert.NotEqual(token, await RefreshAsync(edge, "another-token"));
        Assert.NotEqual(token, await RefreshAsync(edge, "the-token", "another-client"));
        Assert.NotEqual(token, await RefreshAsync(edge, "the-token", scope: "fewer"));
        clock.Advance(TimeSpan.FromSeconds(2));
        Assert.NotEqual(token, await RefreshAsync(edge, "the-token"));
        Assert.Equal(5, server.Exchanges.Count);
    }

    [Fact]
    public async Task An_answer_that_its_client_did_not_wait_for_is_there_when_it_asks_again()
    {
        await using var server = await FakeSignInServer.StartAsync();
        await using var edge = await server.StartEdgeAsync();
        server.Gate = new TaskCompletionSource();
        using var impatient = new CancellationTokenSource();
        var first = RefreshAsync(edge, "the-token", cancellation: impatient.Token);
        await Eventually.True(() => !server.Exchanges.IsEmpty);
        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        server.Gate.SetResult();
        Assert.StartsWith("secret-", await RefreshAsync(edge, "the-token"), StringComparison.Ordinal);
        Assert.Single(server.Exchanges);
    }

    [Fact]
    public async Task A_refusal_is_not_kept()
    {
        await using var server = await FakeSignInServer.StartAsync();
        await using var edge = await server.StartEdgeAsync();
        server.TokenStatus = 400;
        await RefreshAsync(edge, "the-token", status: HttpStatusCode.BadRequest);
        server.TokenStatus = 200;
        await RefreshAsync(edge, "the-token");
        Assert.Equal(2, server.Exchanges.Count);
    }

    [Fact]
    public async Task Two_edges_have_one_answer_by_redis_which_cannot_read_it_and_each_its_own_without()
    {
        var directory = System.IO.Directory.CreateTempSubdirectory("edge-redis");
        await using var server = await FakeSignInServer.StartAsync();
        await using (
            var redis = await LocalServer.StartRedisAsync(directory.FullName, LocalServer.NewPassword(), FreePorts.Next(), Cancellation)
        )
        {
            (string, string) setting = ("ConnectionStrings:redis", redis.ConnectionString);
            await using var one = await server.StartEdgeAsync(settings: setting);
            await using var two = await server.StartEdgeAsync(settings: setting);
            server.Gate = new TaskCompletionSource();
            var at = new[] { one, two, one, two, two }.Select(edge => RefreshAsync(edge, "the-token")).ToList();
            await Eventually.True(() => !server.Exchanges.IsEmpty);
            server.Gate.SetResult();
            var token = Assert.Single((await Task.WhenAll(at)).Distinct());
            Assert.Single(server.Exchanges);

            await using var look = await ConnectionMultiplexer.ConnectAsync(redis.ConnectionString);
            var key = Assert.Single(look.GetServers()[0].Keys(pattern: "refresh:*"));
            var kept = (byte[])(await look.GetDatabase().StringGetAsync(key))!;
            Assert.True(kept.Length > token.Length);
            Assert.DoesNotContain(token, System.Text.Encoding.Latin1.GetString(kept), StringComparison.Ordinal);
            Assert.InRange((await look.GetDatabase().KeyTimeToLiveAsync(key))!.Value, TimeSpan.FromSeconds(1), RefreshGrace.Grace);

            await redis.DisposeAsync();
            Assert.NotEqual(await RefreshAsync(one, "later"), await RefreshAsync(two, "later"));
        }

        directory.Delete(recursive: true);
    }

    private static async Task<string> RefreshAsync(
        EdgeFixture edge,
        string token,
        string client = "mcp-public",
        string? scope = null,
        HttpStatusCode status = HttpStatusCode.OK,
        CancellationToken cancellation = default
    )
    {
        var form = new Dictionary<string, string>
        {
            ["grant_type"] = "refresh_token",
            ["refresh_token"] = token,
            ["client_id"] = client,
        };
        if (scope is not null)
        {
            form["scope"] = scope;
        }

        using var content = new FormUrlEncodedContent(form);
        using var response = await edge.Http.PostAsync(
            new Uri(edge.Url, "/realms/platform/protocol/openid-connect/token"),
            content,
            cancellation == default ? Cancellation : cancellation
        );
        Assert.Equal(status, response.StatusCode);
        Assert.True(response.Headers.CacheControl!.NoStore);
        return (string)(await response.Content.ReadFromJsonAsync<JsonObject>(Cancellation))!["access_token"]!;
    }
}
