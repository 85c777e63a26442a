using System.Diagnostics;
using System.Globalization;
using Platform.LocalServers;
using Platform.Servers;
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
        using var host = await StartAsync();
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
        using (var host = await StartAsync())
        {
            var watch = Stopwatch.StartNew();
            Assert.True(Signals.Send(host.Process.Id, Signals.Kill));
            await Eventually.True(() => !host.Running().Any(), () => string.Join('\n', host.Running().Select(Processes.CommandLine)));
            Assert.True(watch.Elapsed < TimeSpan.FromSeconds(30), $"It took {watch.Elapsed}.");
        }

        using var again = await StartAsync();
    }

    private async Task<Host> StartAsync()
    {
        File.Delete(_folder["endpoints.json"]);
        var host = new Host(_folder);
        try
        {
            Assert.True(await host.Up.WaitAsync(TimeSpan.FromMinutes(4), Token), host.Output);
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

    private sealed class Host : IDisposable
    {
        private readonly string _mark = $"PLATFORM_TEST={Guid.NewGuid():n}";
        private readonly System.Collections.Concurrent.ConcurrentQueue<string> _lines = new();

        private readonly TaskCompletionSource<bool> _up = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly Folder _folder;

        public Host(Folder folder)
        {
            _folder = folder;
            var output = new DirectoryInfo(AppContext.BaseDirectory);
            var program = Path.Combine(LocalServer.Checkout, "AppHost", "bin", output.Parent!.Name, output.Name, "Platform.AppHost.dll");
            var start = new ProcessStartInfo(
                "dotnet",
                [program, $"--Artifacts={folder.Path}", "--Servers=local", "--Servers:Keycloak=embedded", "--Servers:Durable=false"]
            )
            {
                WorkingDirectory = Path.Combine(LocalServer.Checkout, "AppHost"),
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                Environment =
                {
                    [_mark.Split('=')[0]] = _mark.Split('=')[1],
                    ["DOTNET_ENVIRONMENT"] = "Development",
                    ["ASPIRE_ALLOW_UNSECURED_TRANSPORT"] = "true",
                    ["ASPNETCORE_URLS"] = Url(),
                    ["ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL"] = Url(),
                    ["ASPIRE_RESOURCE_SERVICE_ENDPOINT_URL"] = Url(),
                },
            };
            Process = Process.Start(start)!;
            Process.OutputDataReceived += (_, line) => Read(line.Data);
            Process.ErrorDataReceived += (_, line) => Read(line.Data);
            Process.BeginOutputReadLine();
            Process.BeginErrorReadLine();
        }

        public Process Process { get; }

        /// <summary>Completes with whether everything came up: false when the AppHost has ended.</summary>
        public Task<bool> Up => _up.Task;

        public string Output => string.Join('\n', _lines.TakeLast(40));

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

        // Without a line, its output has ended.
        private void Read(string? line)
        {
            _lines.Enqueue(line ?? "");
            if (line is null || line.StartsWith("Everything is up", StringComparison.Ordinal))
            {
                _up.TrySetResult(line is not null);
            }
        }

        private static string Url() => string.Create(CultureInfo.InvariantCulture, $"http://localhost:{FreePorts.Next()}");
    }
}
