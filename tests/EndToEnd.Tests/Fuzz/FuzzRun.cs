using System.Collections.Concurrent;
using System.Diagnostics;
using CsCheck;
using Platform.Testing;

namespace Platform.EndToEnd.Tests.Fuzz;

/// <summary>A fault with the first request that showed it.</summary>
/// <param name="Seed">Of this one request: with it in <c>FUZZ_SEED</c>, the request comes first.</param>
internal sealed record Finding(string Surface, string Problem, string Seed, string TraceId, Attempt Attempt, string Answer);

/// <summary>
/// Sends requests from several connections at once until the time is over, and keeps one finding of each kind. CsCheck's own runner stops
/// at the first, and a suite to send to takes a minute to start.
/// </summary>
internal sealed class FuzzRun(Uri origin, Gen<Attempt> attempts, Pool pool, TimeSpan patience)
{
    private readonly ConcurrentDictionary<(string Surface, string Problem), Finding> _findings = new();
    private readonly ConcurrentDictionary<string, int> _statuses = new();
    private readonly ConcurrentDictionary<string, Attempt> _refusals = new();
    private int _sent;
    private int _refused;

    public IReadOnlyCollection<Finding> Findings => [.. _findings.Values];

    public int Sent => _sent;

    /// <summary>How many messages of known callers were refused.</summary>
    public int Refused => _refused;

    /// <summary>How many answers of each status there were.</summary>
    public IEnumerable<string> Statuses => _statuses.OrderBy(status => status.Key).Select(status => $"{status.Key}: {status.Value}");

    /// <summary>Those of them that the audit log has to hold, by trace id.</summary>
    public IReadOnlyDictionary<string, Attempt> Refusals => _refusals;

    public TimeSpan Slowest { get; private set; }

    /// <param name="seed">Of the whole run, or of one request in it.</param>
    public Task RunAsync(string seed, int connections, TimeSpan time, CancellationToken cancellationToken)
    {
        var first = PCG.Parse(seed);
        return Task.WhenAll(
            Enumerable
                .Range(0, connections)
                .Select(n =>
                    Task.Run(
                        () => SendAsync(n == 0 ? first : new PCG(first.Stream + (uint)n, first.Seed), time, cancellationToken),
                        cancellationToken
                    )
                )
        );
    }

    private async Task SendAsync(PCG random, TimeSpan time, CancellationToken cancellationToken)
    {
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < time; )
        {
            var seed = random.ToString();
            var attempt = attempts.Generate(random, null, out _);
            var traceId = Convert.ToHexStringLower(Guid.NewGuid().ToByteArray());
            var began = Stopwatch.GetTimestamp();
            var answer = await Wire.SendAsync(
                origin,
                attempt.ToBytes(origin, $"00-{traceId}-00f067aa0ba902b7-01"),
                attempt.IsCut,
                patience,
                cancellationToken
            );
            var took = Stopwatch.GetElapsedTime(began);
            Slowest = took > Slowest ? took : Slowest;
            Interlocked.Increment(ref _sent);
            _statuses.AddOrUpdate($"{attempt.Surface.Split(' ')[0]} {answer.Status}", 1, (_, count) => count + 1);
            if (Oracle.Problem(attempt, answer) is { } problem)
            {
                var told = System.Text.Encoding.UTF8.GetString(answer.Body);
                _findings.TryAdd(
                    (attempt.Surface, problem),
                    new Finding(attempt.Surface, problem, seed, traceId, attempt, told.Length > 600 ? told[..600] : told)
                );
            }
            else if (attempt.IsKnown && Oracle.Refusal(answer) is { } reason)
            {
                // A service that has not found something did not refuse.
                if (reason is "" or "INVALID_ARGUMENT" or "PERMISSION_DENIED" or "PRODUCTION_NOT_ALLOWED")
                {
                    Interlocked.Increment(ref _refused);
                }

                // What else was refused was refused before anybody asked who sent it.
                if (answer.Status == 200 && attempt.KeepsTrace)
                {
                    _refusals[traceId] = attempt;
                }
            }

            if (answer.Status is 200 or 201)
            {
                pool.Learn(answer.Body);
            }
        }
    }
}
