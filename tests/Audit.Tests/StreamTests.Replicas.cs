using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Platform.Audit.Service.Streams;

namespace Platform.Audit.Tests;

/// <summary>Several replicas, and replicas that stop or lose their sessions.</summary>
public sealed partial class StreamTests
{
    [Fact]
    public async Task Two_replicas_deliver_once()
    {
        await CreateAsync();
        using var other = ActivatorUtilities.CreateInstance<StreamSupervisor>(audit.Services);
        await other.StartAsync(TestContext.Current.CancellationToken);
        for (var i = 0; i < 10; i++)
        {
            await HappenAsync(20);
        }

        await DeliveredAsync(200);
        await other.StopAsync(TestContext.Current.CancellationToken);
        await HappenAsync(5);
        await DeliveredAsync(205);
        Assert.Equal(Range(1, 205), audit.Datadog.Sequences(_key));
    }

    [Fact]
    public async Task A_replica_that_stops_finishes_the_request_under_way()
    {
        await CreateAsync();
        var first = audit.Services.GetServices<IHostedService>().OfType<StreamSupervisor>().Single();
        await first.StopAsync(TestContext.Current.CancellationToken);
        using var other = ActivatorUtilities.CreateInstance<StreamSupervisor>(audit.Services);
        var (arrived, answer) = (new TaskCompletionSource(), new TaskCompletionSource());
        audit.Datadog.Once(_key, async (_, _) =>
        {
            arrived.SetResult();
            await answer.Task;
            return false;
        });
        await HappenAsync(5);
        await other.StartAsync(TestContext.Current.CancellationToken);
        await arrived.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        await HappenAsync(5);
        var stopped = other.StopAsync(TestContext.Current.CancellationToken);
        answer.SetResult();
        await stopped;
        Assert.Equal(5, (await StreamAsync()).DeliveredThrough);

        await first.StartAsync(TestContext.Current.CancellationToken);
        await DeliveredAsync(10);
        Assert.Equal(Range(1, 10), audit.Datadog.Sequences(_key));
    }

    [Fact]
    public async Task Nothing_is_lost_when_the_workers_sessions_are_killed_again_and_again()
    {
        await CreateAsync();
        for (var i = 0; i < 12; i++)
        {
            await HappenAsync(25, redelivers: true);
            await audit.ScalarAsync<long>(
                """
                select count(pg_terminate_backend(pid)) from pg_stat_activity
                where application_name = 'audit' and datname = current_database()
                """
            );
        }

        await DeliveredAsync(300);
        Assert.Equal(Range(1, 300), audit.Datadog.Sequences(_key).Distinct());
    }
}
