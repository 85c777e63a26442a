using System.Globalization;
using System.Reflection;

namespace Platform.AppHost.StartUp;

/// <summary>
/// The orchestrator (DCP) runs everything else. When it ends, everything that it started ends within seconds, and the AppHost could neither
/// show nor stop anything: it says so and ends as well.
/// </summary>
internal static class EndOfOrchestrator
{
    private static readonly TimeSpan _look = TimeSpan.FromMilliseconds(500);

    public static void EndWithOrchestrator(this IDistributedApplicationBuilder builder)
    {
        // In the process of a test there may be several, and the test tells what has ended.
        if (Assembly.GetEntryAssembly() != typeof(EndOfOrchestrator).Assembly)
        {
            return;
        }

        builder.RunBeside(
            async (_, stopping) =>
            {
                string? orchestrator = null;
                while (orchestrator is null || CommandLine(orchestrator).Length > 0)
                {
                    await Task.Delay(_look, stopping);
                    orchestrator ??= Find();
                }

                stopping.ThrowIfCancellationRequested();
                File.Delete(EndpointsFile.At(builder));
                await Console.Error.WriteLineAsync(
                    $"The AppHost ends, because the orchestrator (dcp, process {orchestrator}) has ended, and with it all that it ran. Start again."
                );
                // An orderly stop would wait for the orchestrator.
                Environment.Exit(1);
            }
        );
    }

    // It watches this process.
    private static string? Find()
    {
        var watch = $"\0--monitor\0{Environment.ProcessId.ToString(CultureInfo.InvariantCulture)}\0";
        return Directory
            .EnumerateDirectories("/proc")
            .Select(folder => Path.GetFileName(folder))
            .Where(name => char.IsAsciiDigit(name[0]))
            .FirstOrDefault(process =>
                CommandLine(process) is var line
                && line.Contains("\0start-apiserver\0", StringComparison.Ordinal)
                && line.Contains(watch, StringComparison.Ordinal)
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
