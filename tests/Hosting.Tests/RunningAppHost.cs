using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Platform.LocalServers;
using Platform.Servers;

namespace Platform.Hosting.Tests;

/// <summary>The AppHost as a program of its own, with servers of this machine. Everything it started ends with it.</summary>
internal sealed class RunningAppHost : IDisposable
{
    private readonly string _mark = $"PLATFORM_TEST={Guid.NewGuid():n}";
    private readonly ConcurrentQueue<string> _lines = new();

    private readonly TaskCompletionSource<bool> _up = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Folder _folder;

    private RunningAppHost(Folder folder)
    {
        _folder = folder;
        var output = new DirectoryInfo(AppContext.BaseDirectory);
        var program = Path.Combine(LocalServer.Checkout, "AppHost", "bin", output.Parent!.Name, output.Name, "Platform.AppHost.dll");
        // A shell lets what it starts in the background ignore Ctrl-C, and that is inherited.
        var start = new ProcessStartInfo(
            "env",
            [
                "--default-signal=INT",
                "dotnet",
                program,
                $"--Artifacts={folder.Path}",
                "--Servers=local",
                "--Servers:Keycloak=embedded",
                "--Servers:Durable=false",
            ]
        )
        {
            WorkingDirectory = Path.Combine(LocalServer.Checkout, "AppHost"),
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment =
            {
                [_mark.Split('=')[0]] = _mark.Split('=')[1],
                ["DOTNET_ENVIRONMENT"] = "Development",
                // Nothing on this machine needs a proxy, and this one is down.
                ["http_proxy"] = "http://127.0.0.1:9",
                ["https_proxy"] = "http://127.0.0.1:9",
                ["ASPIRE_ALLOW_UNSECURED_TRANSPORT"] = "true",
                ["ASPNETCORE_URLS"] = Dashboard.OriginalString,
                ["ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL"] = Telemetry.OriginalString,
                ["ASPIRE_RESOURCE_SERVICE_ENDPOINT_URL"] = Resources.OriginalString,
            },
        };
        Process = Process.Start(start)!;
        Process.OutputDataReceived += (_, line) => Read(line.Data);
        Process.ErrorDataReceived += (_, line) => Read(line.Data);
        Process.BeginOutputReadLine();
        Process.BeginErrorReadLine();
    }

    public Process Process { get; }

    public Uri Dashboard { get; } = FreeAddress();

    /// <summary>Where the dashboard takes telemetry.</summary>
    public Uri Telemetry { get; } = FreeAddress();

    /// <summary>Where the AppHost tells the dashboard of its resources, and takes its commands.</summary>
    public Uri Resources { get; } = FreeAddress();

    public string Output => string.Join('\n', _lines.TakeLast(40));

    /// <summary>Does not wait for anything to be up.</summary>
    public static RunningAppHost Begin(Folder folder) => new(folder);

    public static async Task<RunningAppHost> StartAsync(Folder folder, CancellationToken cancellationToken)
    {
        File.Delete(folder["endpoints.json"]);
        var host = new RunningAppHost(folder);
        try
        {
            await Task.WhenAny(host._up.Task, Task.Delay(TimeSpan.FromMinutes(4), cancellationToken));
            Assert.True(host._up.Task.IsCompleted && await host._up.Task, host.Output);
            var running = host.Running().Select(Processes.CommandLine).ToList();
            foreach (
                var part in (string[])["beam", "postgres", "redis-server", "epmd", "EmbeddedRealm", "dcp", "Dashboard", "Platform.Edge"]
            )
            {
                Assert.Contains(running, line => line.Contains(part, StringComparison.Ordinal));
            }

            return host;
        }
        catch
        {
            host.Dispose();
            throw;
        }
    }

    // A process inherits its environment from the one that starts it, whoever is its parent by then. Redis writes over its own.
    public IEnumerable<int> Running() =>
        Processes
            .All()
            .Where(process =>
                Signals.IsAlive(process) && (Processes.HasVariable(process, _mark) || Processes.WorksIn(process, _folder.Path))
            );

    public void Dispose()
    {
        foreach (var left in Running().ToList())
        {
            Signals.Send(left, Signals.Kill);
        }

        Process.Dispose();
    }

    // True once everything is up, false when the output has ended.
    private void Read(string? line)
    {
        _lines.Enqueue(line ?? "");
        if (line is null || line.StartsWith("Everything is up", StringComparison.Ordinal))
        {
            _up.TrySetResult(line is not null);
        }
    }

    private static Uri FreeAddress() => new(string.Create(CultureInfo.InvariantCulture, $"http://localhost:{FreePorts.Next()}"));
}
