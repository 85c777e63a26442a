using System.Diagnostics;
using Platform.LocalServers;
using Platform.Testing;

// Some tests are about how long a stop takes.
[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace Platform.Hosting.Tests;

/// <summary>The AppHost as a program of its own, with servers of this machine, ended from outside.</summary>
public sealed class ShutdownTests : IDisposable
{
    private readonly Folder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(Signals.Terminate)]
    [InlineData(Signals.Interrupt)]
    public async Task A_stop_leaves_no_process_after_ten_seconds(int signal)
    {
        using var host = await RunningAppHost.StartAsync(_folder, Token);
        var watch = Stopwatch.StartNew();

        Assert.True(Signals.Send(host.Process.Id, signal));
        await Eventually.True(() => !host.Running().Any(), () => string.Join('\n', host.Running().Select(Processes.CommandLine)));

        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(10), $"It took {watch.Elapsed}.");
        Assert.Equal(0, host.Process.ExitCode);
        Assert.False(File.Exists(_folder["endpoints.json"]));
    }

    [Fact]
    public async Task A_killed_AppHost_leaves_no_process_after_thirty_seconds_and_its_data_starts_again()
    {
        using (var host = await RunningAppHost.StartAsync(_folder, Token))
        {
            var watch = Stopwatch.StartNew();
            Assert.True(Signals.Send(host.Process.Id, Signals.Kill));
            await Eventually.True(() => !host.Running().Any(), () => string.Join('\n', host.Running().Select(Processes.CommandLine)));
            Assert.True(watch.Elapsed < TimeSpan.FromSeconds(30), $"It took {watch.Elapsed}.");
        }

        using var again = await RunningAppHost.StartAsync(_folder, Token);
    }

    [Fact]
    public async Task An_AppHost_whose_orchestrator_is_killed_says_so_and_ends_with_all_that_it_ran()
    {
        using var host = await RunningAppHost.StartAsync(_folder, Token);
        var watch = Stopwatch.StartNew();
        var controllers = host.Running()
            .Single(process => Processes.CommandLine(process).Contains(" run-controllers ", StringComparison.Ordinal));

        Assert.True(Signals.Send(controllers, Signals.Kill));
        await Eventually.True(() => !host.Running().Any(), () => string.Join('\n', host.Running().Select(Processes.CommandLine)));

        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(30), $"It took {watch.Elapsed}.");
        Assert.Contains("The AppHost ends, because the orchestrator (dcp,", host.Output, StringComparison.Ordinal);
        await host.Process.WaitForExitAsync(Token);
        Assert.Equal(1, host.Process.ExitCode);
        Assert.False(File.Exists(_folder["endpoints.json"]));
    }

    [Fact]
    public async Task A_stop_in_the_middle_of_a_start_is_no_failure()
    {
        using var host = RunningAppHost.Begin(_folder);
        // A server has begun, and so has everything else.
        await Eventually.True(() => host.Running().Any(process => Processes.Name(process) == "postgres"), () => host.Output);

        Assert.True(Signals.Send(host.Process.Id, Signals.Terminate));
        await Eventually.True(() => !host.Running().Any(), () => string.Join('\n', host.Running().Select(Processes.CommandLine)));

        await host.Process.WaitForExitAsync(Token);
        Assert.Equal(0, host.Process.ExitCode);
        Assert.DoesNotContain("   at ", host.Output, StringComparison.Ordinal);
    }
}
