using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Platform.Servers;
using Platform.ServiceDefaults;
using Platform.ServiceDefaults.Telemetry;

namespace Platform.AppHost.StartUp;

/// <summary>What two starts on one machine must not share: the folder of what the suite makes, and ports.</summary>
internal static class OneStart
{
    private const string LockFile = "start.lock";

    // An ordinary stop takes ten seconds at most.
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(15);

    // The addresses of launchSettings.json.
    private static readonly string[] _addresses =
    [
        "ASPNETCORE_URLS",
        "ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL",
        "ASPIRE_RESOURCE_SERVICE_ENDPOINT_URL",
    ];

    /// <summary>
    /// Waits for an earlier start in the same folder that is stopping. From then on, until the application ends, the folder is its own. The
    /// dashboard and its services move away from ports that are taken; a port that a setting chose must be free.
    /// </summary>
    /// <exception cref="WrongSettingException">The folder or a port is somebody else's.</exception>
    public static void KeepOthersOut(this IDistributedApplicationBuilder builder)
    {
        if (!builder.ExecutionContext.IsRunMode)
        {
            return;
        }

        var held = Take(builder);
        builder.Services.AddHostedService(_ => new Folder(held));
        foreach (var setting in (string[])[Settings.EdgePort, Settings.KeycloakPort])
        {
            if (builder.Configuration.PortOf(setting) is { } port && FreePorts.Reserve(port) is { } reason)
            {
                throw new WrongSettingException($"The setting {setting} is {port}, where it cannot listen: {reason}.");
            }
        }

        foreach (var address in _addresses)
        {
            if (
                Uri.TryCreate(builder.Configuration[address], UriKind.Absolute, out var uri)
                && uri.IsLoopback
                && FreePorts.Reserve(uri.Port) is { } reason
            )
            {
                var free = new UriBuilder(uri) { Port = FreePorts.Next() }.Uri.GetLeftPart(UriPartial.Authority);
                Console.WriteLine($"{uri.GetLeftPart(UriPartial.Authority)} ({address}) cannot be used: {reason}. It is {free} this time.");
                builder.Configuration[address] = free;
            }
        }
    }

    private static FileStream Take(IDistributedApplicationBuilder builder)
    {
        var file = Path.Combine(builder.Artifacts(), LockFile);
        var began = Stopwatch.GetTimestamp();
        for (var waits = false; ; waits = true)
        {
            try
            {
                // The system lets go of it when the process ends, however that is.
                var held = OwnersFile.Open(file, FileMode.OpenOrCreate, share: FileShare.None);
                File.WriteAllText(HolderOf(file), Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
                return held;
            }
            catch (IOException) when (Holder(file) is { } holder)
            {
                if (Stopwatch.GetElapsedTime(began) > _patience)
                {
                    throw new WrongSettingException(
                        $"The suite already runs with the folder {Path.GetDirectoryName(file)}, as process {holder}. Stop that first, "
                            + "or choose another folder with --Artifacts=."
                    );
                }

                if (!waits)
                {
                    Console.WriteLine($"The suite still runs as process {holder}. Waiting {_patience.TotalSeconds:F0} s for it to end.");
                }

                Thread.Sleep(200);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                throw new WrongSettingException(
                    $"The folder {Path.GetDirectoryName(file)} (setting Artifacts) cannot be used: {exception.Message}"
                );
            }
        }
    }

    // The process that has the file, while it lives. Nobody can read the file itself meanwhile.
    private static string? Holder(string file)
    {
        try
        {
            var holder = File.ReadAllText(HolderOf(file));
            return File.Exists($"/proc/{holder}/stat") ? holder : null;
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static string HolderOf(string file) => Path.ChangeExtension(file, "pid");

    // Is let go with the last of the application.
    private sealed class Folder(FileStream held) : IHostedService, IDisposable
    {
        public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public void Dispose() => held.Dispose();
    }
}
