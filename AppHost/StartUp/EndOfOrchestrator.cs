using System.Globalization;
using System.Reflection;

namespace Platform.AppHost.StartUp;

/// <summary>
/// The orchestrator (DCP) runs everything else. When it ends, everything that it started ends within seconds, and the AppHost could neither
/// show nor stop anything: it says so and ends as well.
/// </summary>
internal static class EndOfOrchestrator
{
    private const int MaxMissing = 4;

    private static readonly TimeSpan _look = TimeSpan.FromMilliseconds(500);

    public static void EndWithOrchestrator(this IDistributedApplicationBuilder builder)
    {
        // In the process of a test there may be several, and the test tells what has ended. Only Linux shows processes as files.
        if (!OperatingSystem.IsLinux() || Assembly.GetEntryAssembly() != typeof(EndOfOrchestrator).Assembly)
        {
            return;
        }

        builder.RunBeside(
            async (_, stopping) =>
            {
                // The first process with this command line only starts the one that stays, so there may be none for a moment.
                string? last = null;
                for (var missing = 0; missing < MaxMissing; )
                {
                    await Task.Delay(_look, stopping);
                    var found = last is not null && Is(last) ? last : Find();
                    missing = last is null || found is not null ? 0 : missing + 1;
                    last = found ?? last;
                }

                stopping.ThrowIfCancellationRequested();
                File.Delete(EndpointsFile.At(builder));
                await Console.Error.WriteLineAsync(
                    $"The AppHost ends, because the orchestrator (dcp, process {last}) has ended, and with it all that it ran. Start again."
                );
                // An orderly stop would wait for the orchestrator.
                Environment.Exit(1);
            }
        );
    }

    private static string? Find() =>
        Directory.EnumerateDirectories("/proc").Select(Path.GetFileName).FirstOrDefault(name => char.IsAsciiDigit(name![0]) && Is(name));

    // It watches this process.
    private static bool Is(string process)
    {
        var line = CommandLine(process);
        return line.Contains("\0start-apiserver\0", StringComparison.Ordinal)
            && line.Contains(
                string.Create(CultureInfo.InvariantCulture, $"\0--monitor\0{Environment.ProcessId}\0"),
                StringComparison.Ordinal
            );
    }

    // Empty when it has ended, also while nobody has taken its exit code.
    private static string CommandLine(string process)
    {
        try
        {
            return File.ReadAllText($"/proc/{process}/cmdline");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
