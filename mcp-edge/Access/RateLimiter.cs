using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using Platform.Edge.Callers;

namespace Platform.Edge.Access;

/// <summary>Tells what other edges have counted. Windows of one length are numbered from the UNIX epoch on.</summary>
internal interface ISharedRates
{
    /// <summary>
    /// Adds counts and returns, in the same order, what all edges together have counted. Counts are needed for their lifetime. Null when
    /// nobody can be asked.
    /// </summary>
    Task<IReadOnlyList<long>?> AddAsync(IReadOnlyList<(string Key, long Window, int Count, TimeSpan Lifetime)> counts);
}

/// <summary>So many within so long.</summary>
/// <param name="Kind">Tells limits of one key apart.</param>
internal readonly record struct RateLimit(char Kind, int Count, TimeSpan Within);

/// <summary>
/// Limits calls per token and second, and whatever else has a limit, by a sliding window. Decisions are local and immediate; every tenth of
/// a second the counts are shared through Redis, so that several edges together hold the limit. Without Redis each holds it alone.
/// </summary>
internal sealed class RateLimiter(IOptions<AccessOptions> options, TimeProvider time)
{
    private const int SweepAt = 20_000;

    private readonly ConcurrentDictionary<(string Key, char Kind), Window> _windows = new();

    /// <summary>False when the token has used up its second.</summary>
    public bool TryTake(string token, bool write) =>
        TryTake(
            token,
            write
                ? new RateLimit('w', options.Value.WritesPerSecond, TimeSpan.FromSeconds(1))
                : new RateLimit('r', options.Value.ReadsPerSecond, TimeSpan.FromSeconds(1)),
            out _
        );

    /// <summary>False when the key has used up its share.</summary>
    /// <param name="wait">After this there is room again, if nobody else takes it.</param>
    public bool TryTake(string key, RateLimit limit, out TimeSpan wait)
    {
        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        var window = _windows.GetOrAdd((key, limit.Kind), static (_, length) => new Window(length), (long)limit.Within.TotalMilliseconds);
        lock (window)
        {
            window.MoveTo(now / window.Length);
            var left = 1 - now % window.Length / (double)window.Length;
            var here = window.Own + window.Others;
            if (window.Before * left + here + 1 <= limit.Count)
            {
                window.Own++;
                wait = TimeSpan.Zero;
                return true;
            }

            // Later in this window, when enough of the one before has slid away; or in the next one, when enough of this one has.
            var room = limit.Count - 1.0;
            wait =
                limit.Within
                * (
                    here <= room && window.Before > 0
                        ? left - (room - here) / window.Before
                        : left + 1 - Math.Min(1, room / Math.Max(1, here))
                );
            return false;
        }
    }

    /// <summary>How many keys it remembers.</summary>
    internal int Remembered => _windows.Count;

    /// <summary>Exchanges counts with the other edges, and forgets windows that are long over.</summary>
    /// <param name="shared">Null where there is no way to exchange anything.</param>
    public async Task ShareAsync(ISharedRates? shared)
    {
        var changed = new List<(Window Window, long Index, int Own)>();
        var counts = new List<(string, long, int, TimeSpan)>();
        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        foreach (var (key, window) in _windows)
        {
            lock (window)
            {
                var index = now / window.Length;
                if (shared is not null && window.Index == index && window.Own > window.Shared)
                {
                    counts.Add(
                        ($"rate:{key.Key}:{key.Kind}", index, window.Own - window.Shared, TimeSpan.FromMilliseconds(3 * window.Length))
                    );
                    changed.Add((window, index, window.Own));
                }
                else if (_windows.Count > SweepAt && window.Index < index - 2)
                {
                    _windows.TryRemove(key, out _);
                }
            }
        }
        if (counts.Count == 0 || shared is null || await shared.AddAsync(counts) is not { } totals)
        {
            return;
        }

        for (var i = 0; i < changed.Count; i++)
        {
            var (window, index, own) = changed[i];
            lock (window)
            {
                if (window.Index != index)
                {
                    continue;
                }

                window.Shared = own;
                window.Others = (int)Math.Max(0, totals[i] - own);
            }
        }
    }

    private sealed class Window(long length)
    {
        /// <summary>In milliseconds.</summary>
        public long Length => length;

        public long Index { get; private set; }

        /// <summary>Calls of the window before, of all edges as far as known.</summary>
        public int Before { get; private set; }

        public int Own { get; set; }

        /// <summary>How many of <see cref="Own"/> the other edges know of.</summary>
        public int Shared { get; set; }

        public int Others { get; set; }

        public void MoveTo(long index)
        {
            if (index == Index)
            {
                return;
            }

            Before = index == Index + 1 ? Own + Others : 0;
            (Index, Own, Shared, Others) = (index, 0, 0, 0);
        }
    }
}
