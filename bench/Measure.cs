using System.Diagnostics;

namespace Platform.Bench;

/// <param name="PerSecond">Calls per second, the median of the rounds.</param>
/// <param name="Calls">How many that were.</param>
/// <param name="P50">Milliseconds.</param>
/// <param name="P99">Milliseconds.</param>
internal sealed record Measurement(double PerSecond, int Calls, double P50, double P99);

/// <summary>
/// Runs several ways of doing the same thing in turns, so that whatever else the machine does hits all, and takes medians. On a busy
/// machine the ratio holds where the numbers do not.
/// </summary>
internal static class Measure
{
    private const int Rounds = 5;

    public static async Task<IReadOnlyList<Measurement>> CompareAsync(int connections, TimeSpan round, IReadOnlyList<Func<Task>> calls)
    {
        foreach (var call in calls)
        {
            await RunAsync(connections, round / 4, call);
        }

        var rounds = calls.Select(_ => new List<Measurement>()).ToList();
        for (var i = 0; i < Rounds; i++)
        {
            for (var subject = 0; subject < calls.Count; subject++)
            {
                rounds[subject].Add(await RunAsync(connections, round, calls[subject]));
            }
        }

        return rounds.ConvertAll(Median);
    }

    public static async Task<Measurement> RunAsync(int connections, TimeSpan duration, Func<Task> call)
    {
        var latencies = new List<double>[connections];
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(
            Enumerable
                .Range(0, connections)
                .Select(async connection =>
                {
                    var mine = latencies[connection] = [];
                    while (clock.Elapsed < duration)
                    {
                        var started = Stopwatch.GetTimestamp();
                        await call();
                        mine.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
                    }
                })
        );
        var elapsed = clock.Elapsed.TotalSeconds;
        var all = latencies.SelectMany(list => list).Order().ToList();
        return new Measurement(all.Count / elapsed, all.Count, all[all.Count / 2], all[(int)(all.Count * 0.99)]);
    }

    private static Measurement Median(List<Measurement> rounds) => rounds.OrderBy(round => round.PerSecond).ElementAt(rounds.Count / 2);
}
