using System.Diagnostics;
using System.Globalization;
using Platform.LocalServers;

namespace Platform.Hosting.Tests;

public sealed class ChildProcessTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_stop_sends_the_chosen_signal_and_reaches_the_whole_tree()
    {
        var lines = new List<string>();
        var grandchild = new TaskCompletionSource<int>();
        await using var child = await ChildProcess.StartAsync(
            new ChildProcessOptions
            {
                Name = "tree",
                FileName = "sh",
                Arguments = ["-c", "trap 'echo asked; exit 3' INT; sleep 600 & echo $!; while :; do wait; done"],
                StopSignal = "INT",
                OnLine = (line, _) =>
                {
                    lock (lines)
                    {
                        lines.Add(line);
                    }

                    if (int.TryParse(line, CultureInfo.InvariantCulture, out var pid))
                    {
                        grandchild.TrySetResult(pid);
                    }
                },
            },
            Token
        );
        var sleeper = await grandchild.Task.WaitAsync(TimeSpan.FromSeconds(10), Token);

        await child.StopAsync();

        Assert.Equal(3, await child.Exited);
        Assert.Contains("asked", lines);
        await GoneAsync(child.Id, sleeper);
    }

    [Fact]
    public async Task A_child_that_ignores_the_signal_is_killed_at_the_deadline()
    {
        var ready = new TaskCompletionSource();
        await using var child = await ChildProcess.StartAsync(
            new ChildProcessOptions
            {
                Name = "stubborn",
                FileName = "sh",
                Arguments = ["-c", "trap '' TERM; echo up; while :; do sleep 1; done"],
                StopGrace = TimeSpan.FromSeconds(1),
                OnLine = (_, _) => ready.TrySetResult(),
            },
            Token
        );
        await ready.Task.WaitAsync(TimeSpan.FromSeconds(10), Token);
        var watch = Stopwatch.StartNew();

        await child.StopAsync();

        Assert.Equal(128 + 9, await child.Exited);
        Assert.InRange(watch.Elapsed.TotalSeconds, 0.9, 5);
        await GoneAsync(child.Id);
    }

    [Fact]
    public async Task A_child_is_given_variables_that_a_shell_could_not_name()
    {
        await using var child = await ChildProcess.StartAsync(
            new ChildProcessOptions
            {
                Name = "env",
                FileName = "env",
                ExtraEnvironment = new Dictionary<string, string?>
                {
                    ["ConnectionStrings__my-db"] = "one",
                    ["Sinks__example.com"] = "two\nlines",
                    ["HOME"] = null,
                },
            },
            Token
        );

        Assert.Equal(0, await child.Exited.WaitAsync(TimeSpan.FromSeconds(10), Token));
        Assert.Contains("ConnectionStrings__my-db=one", child.LastOutput);
        Assert.Contains("Sinks__example.com=two", child.LastOutput);
        Assert.DoesNotContain(child.LastOutput, l => l.StartsWith("HOME=", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_command_that_does_not_exist_is_an_exit_with_its_reason()
    {
        await using var child = await ChildProcess.StartAsync(
            new ChildProcessOptions { Name = "none", FileName = "/no/such/program" },
            Token
        );

        Assert.NotEqual(0, await child.Exited.WaitAsync(TimeSpan.FromSeconds(10), Token));
        Assert.Contains(child.LastOutput, line => line.Contains("/no/such/program", StringComparison.Ordinal));
    }

    /// <summary>Waits until every one of the processes is gone.</summary>
    internal static async Task GoneAsync(params int[] processes)
    {
        var watch = Stopwatch.StartNew();
        while (processes.Any(Signals.IsAlive))
        {
            Assert.True(watch.Elapsed < TimeSpan.FromSeconds(12), $"Still alive: {string.Join(", ", processes.Where(Signals.IsAlive))}");
            await Task.Yield();
            Thread.Sleep(20);
        }
    }
}
