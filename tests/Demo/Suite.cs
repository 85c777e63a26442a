using System.Diagnostics;

namespace Platform.Demo;

/// <summary>The running system: the one that is up, or one that is started for the demo and stopped after it.</summary>
internal sealed class Suite : IAsyncDisposable
{
    private static readonly TimeSpan _patience = TimeSpan.FromMinutes(10);

    private readonly Process? _started;

    private Suite(Endpoints endpoints, Process? started)
    {
        Endpoints = endpoints;
        _started = started;
    }

    public Endpoints Endpoints { get; }

    public static async Task<Suite> OpenAsync(Story story, CancellationToken cancellationToken)
    {
        if (
            File.Exists(Endpoints.Path)
            && Endpoints.Read(Endpoints.Path) is var running
            && await AnswersAsync(running.Mcp, cancellationToken)
        )
        {
            return new Suite(running, null);
        }

        var log = Path.Combine(Checkout.Folder, "start.log");
        story.Say($"The suite is not up: starting it with ./start (its output goes to {Path.GetRelativePath(Checkout.Root, log)}).");
        var process = Start(log);
        try
        {
            var waited = Stopwatch.StartNew();
            File.Delete(Endpoints.Path);
            while (!File.Exists(Endpoints.Path))
            {
                if (process.HasExited || waited.Elapsed > _patience)
                {
                    throw new DemoFailedException(
                        $"The suite did not come up. The end of {log}:\n{string.Join('\n', File.ReadLines(log).TakeLast(20))}"
                    );
                }

                await Task.Delay(250, cancellationToken);
            }

            story.Say($"It is up after {waited.Elapsed.TotalSeconds:0} s.");
            return new Suite(Endpoints.Read(Endpoints.Path), process);
        }
        catch
        {
            await StopAsync(process);
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_started is not null)
        {
            await StopAsync(_started);
        }
    }

    private static async Task<bool> AnswersAsync(Uri mcp, CancellationToken cancellationToken)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(5) };
        try
        {
            using var response = await http.GetAsync(mcp, cancellationToken);
            return true;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private static Process Start(string log) =>
        Process.Start(
            new ProcessStartInfo(
                "/bin/sh",
                ["-c", "umask 077; rm -f \"$0\"; : >\"$0\"; umask 022; exec ./start >>\"$0\" 2>&1 </dev/null", log]
            )
            {
                WorkingDirectory = Checkout.Root,
            }
        )!;

    // SIGTERM, so that it ends what it has started. By its id: another suite may be running beside it.
    private static async Task StopAsync(Process process)
    {
        if (!process.HasExited)
        {
            using var kill = Process.Start("kill", ["-TERM", $"{process.Id}"]);
            await kill.WaitForExitAsync();
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
            try
            {
                await process.WaitForExitAsync(patience.Token);
            }
            catch (OperationCanceledException)
            {
                process.Kill(entireProcessTree: true);
            }
        }

        process.Dispose();
    }
}
