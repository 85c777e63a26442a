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
}
