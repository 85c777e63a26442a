using System.Collections.Concurrent;
using Microsoft.Extensions.Options;

namespace Platform.Edge.Access;

/// <summary>Tells what other edges have counted. The second is the UNIX second of the window.</summary>
internal interface ISharedRates
{
    /// <summary>Adds counts and returns, in the same order, what all edges together have counted. Null when nobody can be asked.</summary>
    Task<IReadOnlyList<long>?> AddAsync(IReadOnlyList<(string Key, long Second, int Count)> counts);
}

/// <summary>
/// Limits calls per token and second by a sliding window. Decisions are local and immediate; every tenth of a second the counts are
/// shared through Redis, so that several edges together hold the limit. Without Redis each holds it alone.
/// </summary>
internal sealed class RateLimiter(IOptions<AccessOptions> options, TimeProvider time)
{
    private const int SweepAt = 20_000;

    private readonly ConcurrentDictionary<(string Token, bool Write), Window> _windows = new();

    /// <summary>False when the token has used up its second.</summary>
    public bool TryTake(string token, bool write)
    {
        var limit = write ? options.Value.WritesPerSecond : options.Value.ReadsPerSecond;
        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        var window = _windows.GetOrAdd((token, write), static _ => new Window());
        lock (window)
        {
            window.MoveTo(now / 1000);
            var left = 1 - now % 1000 / 1000.0;
            if (window.Before * left + window.Own + window.Others + 1 > limit)
                return false;
            window.Own++;
            return true;
        }
    }

    /// <summary>Exchanges counts with the other edges.</summary>
    public async Task ShareAsync(ISharedRates shared)
    {
        var changed = new List<(Window Window, int Own)>();
        var counts = new List<(string, long, int)>();
        var second = time.GetUtcNow().ToUnixTimeSeconds();
        foreach (var (key, window) in _windows)
        {
            lock (window)
            {
                if (window.Second == second && window.Own > window.Shared)
                {
                    counts.Add(($"rate:{key.Token}:{(key.Write ? 'w' : 'r')}", second, window.Own - window.Shared));
                    changed.Add((window, window.Own));
                }
                else if (_windows.Count > SweepAt && window.Second < second - 2)
                {
                    _windows.TryRemove(key, out _);
                }
            }
        }
        if (counts.Count == 0 || await shared.AddAsync(counts) is not { } totals)
            return;
        for (var i = 0; i < changed.Count; i++)
        {
            var (window, own) = changed[i];
            lock (window)
            {
                if (window.Second != second)
                    continue;
                window.Shared = own;
                window.Others = (int)Math.Max(0, totals[i] - own);
            }
        }
    }

    private sealed class Window
    {
        public long Second { get; private set; }

        /// <summary>Calls of the second before, of all edges as far as known.</summary>
        public int Before { get; private set; }

        public int Own { get; set; }

        /// <summary>How many of <see cref="Own"/> the other edges know of.</summary>
        public int Shared { get; set; }

        public int Others { get; set; }

        public void MoveTo(long second)
        {
            if (second == Second)
                return;
            Before = second == Second + 1 ? Own + Others : 0;
            (Second, Own, Shared, Others) = (second, 0, 0, 0);
        }
    }
}
