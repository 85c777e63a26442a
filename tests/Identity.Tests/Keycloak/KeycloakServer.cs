using System.Diagnostics;
using System.Formats.Tar;
using System.IO.Compression;
using Ports = Platform.Native.Servers.Ports;

[assembly: AssemblyFixture(typeof(Platform.Identity.Tests.Keycloak.KeycloakServer))]

namespace Platform.Identity.Tests.Keycloak;

/// <summary>
/// A genuine Keycloak with the platform's realm, started by the first test that asks for it. It is a copy of its own, in memory only.
/// Where none is found, those tests are skipped and say so.
/// </summary>
public sealed class KeycloakServer : RealmServer
{
    internal const string Collection = "Keycloak";

    private Process? _process;

    public override async ValueTask DisposeAsync()
    {
        if (_process is { HasExited: false } process)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync();
        }

        _process?.Dispose();
    }

    private protected override async Task<string?> StartAsync()
    {
        if (FindDistribution() is not { } distribution)
        {
            return "No Keycloak: neither KEYCLOAK_HOME nor ../shared/keycloak* is there.";
        }

        if (!Environment.GetEnvironmentVariable("PATH")!.Split(':').Any(folder => System.IO.File.Exists(Path.Combine(folder, "java"))))
        {
            return "No Java to run Keycloak with.";
        }

        var home = await CopyAsync(distribution);
        var managementPort = Ports.Free();
        var start = new ProcessStartInfo(Path.Combine(home, "bin", "kc.sh"))
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            ArgumentList =
            {
                "start-dev", "--db=dev-mem", "--http-host=127.0.0.1", $"--http-port={new Uri(Url).Port}", "--http-management-host=127.0.0.1",
                $"--http-management-port={managementPort}", "--health-enabled=true", $"--hostname={Url}", "--cache=local",
            },
            Environment = { ["KC_BOOTSTRAP_ADMIN_USERNAME"] = "admin", ["KC_BOOTSTRAP_ADMIN_PASSWORD"] = AdminPassword, ["JAVA_OPTS_APPEND"] = "-Xmx768m" },
        };
        _process = Process.Start(start)!;
        var output = new System.Collections.Concurrent.ConcurrentQueue<string>();
        _process.OutputDataReceived += (_, line) => output.Enqueue(line.Data ?? "");
        _process.ErrorDataReceived += (_, line) => output.Enqueue(line.Data ?? "");
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();

        using var http = new HttpClient();
        var waited = Stopwatch.StartNew();
        while (!await IsReadyAsync(http, managementPort))
        {
            if (_process.HasExited || waited.Elapsed > TimeSpan.FromMinutes(3))
            {
                throw new InvalidOperationException("Keycloak did not start: " + string.Join('\n', output.TakeLast(20)));
            }

            await Task.Delay(300);
        }

        return null;
    }

    private static async Task<bool> IsReadyAsync(HttpClient http, int port)
    {
        try
        {
            return (await http.GetAsync(new Uri($"http://127.0.0.1:{port}/health/ready"))).IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private static string? FindDistribution()
    {
        if (Environment.GetEnvironmentVariable("KEYCLOAK_HOME") is { Length: > 0 } home && System.IO.Directory.Exists(home))
        {
            return home;
        }

        var shared = Path.Combine(Path.GetDirectoryName(Checkout)!, "shared");
        return System.IO.Directory.Exists(shared)
            ? System.IO.Directory.EnumerateFileSystemEntries(shared, "keycloak*").Where(entry => System.IO.Directory.Exists(entry) || entry.EndsWith(".tar.gz", StringComparison.Ordinal)).Order().LastOrDefault()
            : null;
    }

    // Starting writes into the distribution, so the tests use a copy, kept for the next run: building it takes longer than starting it.
    private static async Task<string> CopyAsync(string distribution)
    {
        var copy = Path.Combine(Checkout, "artifacts", "keycloak-tests");
        if (!System.IO.File.Exists(Path.Combine(copy, "complete")))
        {
            System.IO.Directory.CreateDirectory(copy);
            if (System.IO.Directory.Exists(distribution))
            {
                using var cp = Process.Start("cp", ["-r", distribution, Path.Combine(copy, "keycloak")]);
                await cp.WaitForExitAsync();
            }
            else
            {
                await using var file = System.IO.File.OpenRead(distribution);
                await using var unzipped = new GZipStream(file, CompressionMode.Decompress);
                await TarFile.ExtractToDirectoryAsync(unzipped, copy, overwriteFiles: true);
            }

            await System.IO.File.WriteAllTextAsync(Path.Combine(copy, "complete"), "");
        }

        return System.IO.Directory.EnumerateDirectories(copy).Single();
    }
}
