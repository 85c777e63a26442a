using System.Globalization;

namespace Platform.Bench;

/// <summary>
/// What the services use: CPU time and working set from their own <c>/metrics</c>, their share of memory from the kernel.
/// </summary>
internal sealed class ServiceUse(HttpClient http, IReadOnlyDictionary<string, Uri> services)
{
    private const double MiB = 1024 * 1024;
    private const string Listening = "0A";
    private static readonly string[] _tables = ["/proc/net/tcp", "/proc/net/tcp6"];

    /// <param name="MemoryMiB">The working set, in which each service has all of the pages that it shares with the others.</param>
    /// <param name="ShareMiB">The same with each shared page divided among those who share it; NaN where the kernel does not tell.</param>
    public sealed record Reading(double CpuSeconds, double MemoryMiB, double ShareMiB);

    public async Task<IReadOnlyDictionary<string, Reading>> ReadAsync()
    {
        var readings = new Dictionary<string, Reading>();
        foreach (var (service, address) in services)
        {
            var lines = (await http.GetStringAsync(new Uri(address, "/metrics"))).Split('\n');
            readings[service] = new Reading(
                Sum(lines, "dotnet_process_cpu_time_seconds_total"),
                Sum(lines, "dotnet_process_memory_working_set_bytes") / MiB,
                Share(address)
            );
        }

        return readings;
    }

    // Who listens where the service does, by the socket's number in /proc.
    private static double Share(Uri address)
    {
        var port = address.Port.ToString("X4", CultureInfo.InvariantCulture);
        var sockets = _tables
            .Where(File.Exists)
            .SelectMany(File.ReadLines)
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Where(columns => columns.Length > 9 && columns[1].EndsWith($":{port}", StringComparison.Ordinal) && columns[3] == Listening)
            .Select(columns => $"socket:[{columns[9]}]")
            .ToHashSet();
        var process =
            sockets.Count == 0 ? null : Directory.EnumerateDirectories("/proc").FirstOrDefault(process => IsOwner(process, sockets));
        return process is null
            ? double.NaN
            : File.ReadLines(Path.Combine(process, "smaps_rollup"))
                .Where(line => line.StartsWith("Pss:", StringComparison.Ordinal))
                .Sum(line =>
                    double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024 / MiB
                );
    }

    private static bool IsOwner(string process, HashSet<string> sockets)
    {
        try
        {
            return Directory
                .EnumerateFiles(Path.Combine(process, "fd"))
                .Any(file => new FileInfo(file).LinkTarget is { } target && sockets.Contains(target));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false; // It has ended, is no process, or is another user's.
        }
    }

    private static double Sum(IEnumerable<string> lines, string metric) =>
        lines
            .Where(line => line.StartsWith(metric, StringComparison.Ordinal))
            .Select(line => double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture))
            .DefaultIfEmpty(double.NaN)
            .Sum();
}
