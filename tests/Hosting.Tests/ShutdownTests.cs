using System.Diagnostics;
using System.Runtime.InteropServices;
using Platform.Native.Servers;

namespace Platform.Hosting.Tests;

/// <summary>The sample AppHost as a program of its own, ended from outside.</summary>
public sealed class ShutdownTests : IDisposable
{
    private static readonly string s_program = Path.Combine(AppContext.BaseDirectory, "Sample.AppHost.dll");

    private readonly Folder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task SIGTERM_ends_every_process_within_ten_seconds()
    {
        using var host = Start();
        var tree = await UpAsync(host);
        var watch = Stopwatch.StartNew();

        Assert.True(Signals.Send(host.Id, Signals.Terminate));
        await host.WaitForExitAsync(Token).WaitAsync(TimeSpan.FromSeconds(20), Token);

        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(10), $"It took {watch.Elapsed}.");
        Assert.Equal(0, host.ExitCode);
        await ChildProcessTests.GoneAsync(tree);
    }

    [Fact]
    public async Task A_killed_AppHost_takes_its_processes_along_and_its_data_starts_again()
    {
        int[] tree;
        using (var host = Start())
        {
            tree = await UpAsync(host);
            Assert.True(Signals.Send(host.Id, Signals.Kill));
            await host.WaitForExitAsync(Token);
        }
        await ChildProcessTests.GoneAsync(tree);

        using var again = Start();
        await UpAsync(again);
        Assert.True(Signals.Send(again.Id, Signals.Terminate));
        await again.WaitForExitAsync(Token).WaitAsync(TimeSpan.FromSeconds(20), Token);
    }

    private Process Start()
    {
        var dotnet = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", "dotnet"));
        var start = new ProcessStartInfo(dotnet, [s_program, "--Parameters:configured=x", $"--Native:Artifacts={_folder.Path}"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        return Process.Start(start)!;
    }

    /// <summary>Waits until everything is up and answers the ids of all that runs below the host.</summary>
    private static async Task<int[]> UpAsync(Process host)
    {
        var lines = new List<string>();
        _ = host.StandardError.ReadToEndAsync(Token);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Token);
        limit.CancelAfter(TimeSpan.FromMinutes(4));
        while (await host.StandardOutput.ReadLineAsync(limit.Token) is { } line)
        {
            lines.Add(line);
            if (line.StartsWith("Everything is up", StringComparison.Ordinal))
            {
                _ = host.StandardOutput.ReadToEndAsync(Token);
                // Everything that carries the folder's name or descends from the host.
                var below = Processes.Below(host.Id).ToArray();
                Assert.Contains(below, p => Processes.CommandLine(p).Contains("beam", StringComparison.Ordinal));
                Assert.Contains(below, p => Processes.CommandLine(p).Contains("postgres", StringComparison.Ordinal));
                Assert.Contains(below, p => Processes.CommandLine(p).Contains("Sample.Service.dll", StringComparison.Ordinal));
                return below;
            }
        }
        Assert.Fail($"The AppHost ended: {string.Join('\n', lines)}");
        return [];
    }
}
