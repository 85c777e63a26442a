using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Platform.Edge.Access;
using Platform.LocalServers;
using Platform.Servers;
using StackExchange.Redis;

namespace Platform.Edge.Tests.Access;

public sealed class RedisRatesTests
{
    private static readonly TimeSpan _lifetime = TimeSpan.FromSeconds(3);

    [Fact]
    public async Task Two_edges_count_together_in_redis_and_alone_when_it_is_gone()
    {
        var directory = System.IO.Directory.CreateTempSubdirectory("edge-redis");
        ServiceProvider services;
        await using (
            var redis = await LocalServer.StartRedisAsync(
                directory.FullName,
                LocalServer.NewPassword(),
                FreePorts.Next(),
                TestContext.Current.CancellationToken
            )
        )
        {
            var options = ConfigurationOptions.Parse(redis.ConnectionString);
            options.AbortOnConnectFail = false;
            options.SyncTimeout = 1000;
            services = new ServiceCollection()
                .AddSingleton<IConnectionMultiplexer>(_ => ConnectionMultiplexer.Connect(options))
                .BuildServiceProvider();
            var one = new RedisRates(services, NullLogger<RedisRates>.Instance);
            var two = new RedisRates(services, NullLogger<RedisRates>.Instance);
            Assert.Equal([5L, 2L], await one.AddAsync([("rate:a:r", 7, 5, _lifetime), ("rate:b:r", 7, 2, _lifetime)]));
            Assert.Equal([8L], await two.AddAsync([("rate:a:r", 7, 3, _lifetime)]));
            Assert.Equal([1L], await two.AddAsync([("rate:a:r", 8, 1, _lifetime)]));
            var left = await services.GetRequiredService<IConnectionMultiplexer>().GetDatabase().KeyTimeToLiveAsync("rate:a:r:7");
            Assert.InRange(left!.Value, TimeSpan.FromMilliseconds(1), _lifetime);
        }
        Assert.Null(await new RedisRates(services, NullLogger<RedisRates>.Instance).AddAsync([("rate:a:r", 9, 1, _lifetime)]));
        await services.DisposeAsync();
        directory.Delete(recursive: true);
    }
}
