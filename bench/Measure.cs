using System.Diagnostics;

namespace Platform.Bench;

/// <param name="PerSecond">Calls per second, the median of the rounds.</param>
/// <param name="P50">Milliseconds.</param>
/// <param name="P99">Milliseconds.</param>
internal sealed record Measurement(double PerSecond, double P50, double P99);

/// <summary>
/// Runs two ways of doing the same thing in turns, so that whatever else the machine does hits both, and compares medians. On a busy
/// machine the ratio holds where the numbers do not.
/// </summary>
internal static class Measure
{
    private const int Rounds = 5;

    public static async Task<(Measurement Subject, Measurement Baseline)> CompareAsync(
        int connections, TimeSpan round, Func<int, Task> subject, Func<int, Task> baseline)
    {
        await RunAsync(connections, round / 4, subject);
        await RunAsync(connections, round / 4, baseline);
        var subjects = new List<Measurement>();
        var baselines = new List<Measurement>();
        for (var i = 0; i < Rounds; i++)
        {
            subjects.Add(await RunAsync(connections, round, subject));
            baselines.Add(await RunAsync(connections, round, baseline));
        }

        return (Median(subjects), Median(baselines));
    }

    public static async Task<Measurement> RunAsync(int connections, TimeSpan duration, Func<int, Task> call)
    {
        var latencies = new List<double>[connections];
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, connections).Select(async connection =>
        {
            var mine = latencies[connection] = [];
            while (clock.Elapsed < duration)
            {
                var started = Stopwatch.GetTimestamp();
                await call(connection);
                mine.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
            }
        }));
        var elapsed = clock.Elapsed.TotalSeconds;
        var all = latencies.SelectMany(list => list).Order().ToList();
        return new Measurement(all.Count / elapsed, all[all.Count / 2], all[(int)(all.Count * 0.99)]);
    }

    private static Measurement Median(List<Measurement> rounds) => rounds.OrderBy(round => round.PerSecond).ElementAt(rounds.Count / 2);
}
