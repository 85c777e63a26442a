using System.Globalization;

namespace Platform.Bench;

/// <summary>What the services use, from their own <c>/metrics</c>.</summary>
internal sealed class ServiceUse(HttpClient http, IReadOnlyDictionary<string, Uri> services)
{
    public sealed record Reading(double CpuSeconds, double MemoryMiB);

    public async Task<IReadOnlyDictionary<string, Reading>> ReadAsync()
    {
        var readings = new Dictionary<string, Reading>();
        foreach (var (service, address) in services)
        {
            var lines = (await http.GetStringAsync(new Uri(address, "/metrics"))).Split('\n');
            readings[service] = new Reading(Sum(lines, "dotnet_process_cpu_time_seconds_total"), Sum(lines, "dotnet_process_memory_working_set_bytes") / (1024 * 1024));
        }

        return readings;
    }

    private static double Sum(IEnumerable<string> lines, string metric) => lines.Where(line => line.StartsWith(metric, StringComparison.Ordinal))
        .Select(line => double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture))
        .DefaultIfEmpty(double.NaN).Sum();
}
