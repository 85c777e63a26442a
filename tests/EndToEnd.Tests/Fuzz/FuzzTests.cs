using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using CsCheck;
using Npgsql;

namespace Platform.EndToEnd.Tests.Fuzz;

/// <summary>
/// Sends what nobody should send to everything that answers from outside. <c>FUZZ_SECONDS</c> is how long (60 by default), and
/// <c>FUZZ_SEED</c> is the seed of a run that is to be repeated, or of one request of it. The seed decides everything but the ids, which
/// are those that the suite gave. <c>FUZZ_REALM=embedded</c> takes the embedded realm where there is a Keycloak, too.
/// </summary>
public sealed partial class FuzzTests(FuzzTests.Suite suite) : IClassFixture<FuzzTests.Suite>
{
    private const int Connections = 4;
    private const long MaxMemory = 1_200_000_000;
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(30);
    private static readonly string[] _services = ["edge", "identity", "directory", "data", "audit"];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Whatever_is_sent_is_answered_within_its_time_refused_by_a_reason_and_recorded()
    {
        var issuer = suite.RequireIssuer();
        var seed = Environment.GetEnvironmentVariable("FUZZ_SEED") is { Length: > 0 } given
            ? given
            : new PCG((uint)Random.Shared.Next(1000)).ToString();
        var time = TimeSpan.FromSeconds(
            int.TryParse(Environment.GetEnvironmentVariable("FUZZ_SECONDS"), CultureInfo.InvariantCulture, out var seconds) ? seconds : 60
        );
        Say($"FUZZ_SEED={seed} FUZZ_SECONDS={time.TotalSeconds:0}");

        var origin = new Uri(suite.Endpoints.Mcp.GetLeftPart(UriPartial.Authority));
        var world = await FuzzWorld.PrepareAsync(suite, issuer, Cancellation);
        var run = new FuzzRun(origin, world.Public, world.Pool, _patience);
        var inside = new FuzzRun(
            new Uri(suite.Endpoints.Governance.GetLeftPart(UriPartial.Authority)),
            world.Governance,
            world.Pool,
            _patience
        );
        var counted = await CountedAsync(origin);
        var since = DateTime.UtcNow.ToString("s", CultureInfo.InvariantCulture);
        await Task.WhenAll(
            run.RunAsync(seed, Connections, time, Cancellation),
            inside.RunAsync(seed, 1, time, Cancellation),
            world.KeepSignedInAsync(time, Cancellation)
        );
        Say($"{run.Sent + inside.Sent} requests, the slowest answer after {Max(run.Slowest, inside.Slowest).TotalSeconds:0.0} s");
        foreach (var status in run.Statuses.Concat(inside.Statuses))
        {
            Say(status);
        }

        List<string> faults = [.. run.Findings.Concat(inside.Findings).OrderBy(finding => finding.Problem).Select(Describe)];
        faults.AddRange(await UnrecordedAsync(run.Refusals));
        counted = await CountedAsync(origin) - counted;
        Say($"{run.Refused} messages of known callers were refused, {counted} refusals were counted");
        if (counted < run.Refused)
        {
            faults.Add($"{run.Refused} messages of known callers were refused, and only {counted} refusals were counted");
        }

        faults.AddRange(await LoggedAsync(since));
        foreach (var service in _services)
        {
            var bytes = await suite.Processes.MemoryAsync(service, Cancellation);
            Say($"{service}: {bytes / 1_000_000} MB");
            if (bytes > MaxMemory)
            {
                faults.Add($"{service} holds {bytes / 1_000_000} MB");
            }
        }

        using var owner = new RawCalls(suite.Endpoints.Mcp, suite.Endpoints.Owner.Token);
        using var still = await owner.SendAsync("whoami", new { });
        if (!still.IsSuccessStatusCode)
        {
            faults.Add($"The suite does not serve any more: {(int)still.StatusCode}");
        }

        Assert.True(faults.Count == 0, $"FUZZ_SEED={seed}\n{string.Join("\n\n", faults)}");
    }

    private static void Say(string line) => TestContext.Current.TestOutputHelper!.WriteLine(line);

    private static TimeSpan Max(TimeSpan one, TimeSpan other) => one > other ? one : other;

    private static string Describe(Finding finding) =>
        $"{finding.Problem} | {finding.Surface} | FUZZ_SEED={finding.Seed} | trace {finding.TraceId}\n"
        + $"  > {finding.Attempt}\n  < {finding.Answer}";

    /// <summary>Refusals of known callers that the audit log does not have, by surface.</summary>
    private async Task<IEnumerable<string>> UnrecordedAsync(IReadOnlyDictionary<string, Attempt> refusals)
    {
        var connection = new NpgsqlConnectionStringBuilder(await suite.ConnectionStringAsync("postgres", Cancellation))
        {
            Database = "auditdb",
        };
        await using var postgres = NpgsqlDataSource.Create(connection.ConnectionString);
        var missing = new List<string>();
        var clock = Stopwatch.StartNew();
        do
        {
            await Task.Delay(TimeSpan.FromSeconds(1), Cancellation);
            var recorded = new HashSet<string>(StringComparer.Ordinal);
            await using var command = postgres.CreateCommand(
                "select convert_from(body, 'utf8') from audit.event union all select convert_from(body, 'utf8') from audit.arrival"
            );
            await using var rows = await command.ExecuteReaderAsync(Cancellation);
            while (await rows.ReadAsync(Cancellation))
            {
                if (TraceParent().Match(rows.GetString(0)) is { Success: true } match)
                {
                    recorded.Add(match.Groups[1].Value);
                }
            }

            missing = [.. refusals.Keys.Where(id => !recorded.Contains(id))];
        } while (missing.Count > 0 && clock.Elapsed < _patience);
        Say($"{refusals.Count} refusals of known callers, {missing.Count} of them not in the log");
        return missing
            .Select(id => refusals[id])
            .GroupBy(attempt => attempt.Surface)
            .Select(group => $"not in the audit log: {group.Count()} of {group.Key}\n  > {group.First()}");
    }

    // Refusals but for those of callers whom nobody knows.
    private static async Task<long> CountedAsync(Uri origin)
    {
        using var http = new HttpClient();
        return (await http.GetStringAsync(new Uri(origin, "/metrics"), Cancellation))
            .Split('\n')
            .Where(line =>
                line.StartsWith("platform_edge_refusals_total", StringComparison.Ordinal)
                && !line.Contains("UNKNOWN_TOKEN", StringComparison.Ordinal)
            )
            .Sum(line => (long)double.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture));
    }

    private async Task<IEnumerable<string>> LoggedAsync(string since)
    {
        var faults = new List<string>();
        foreach (var service in _services)
        {
            var lines = await suite.Processes.LogAsync(service, Cancellation);
            faults.AddRange(
                lines
                    .Select((line, index) => (Line: line, Index: index))
                    .Where(entry => string.CompareOrdinal(entry.Line, since) > 0 && Failure().IsMatch(entry.Line))
                    .Select(entry => string.Join("\n    ", lines.Skip(entry.Index).Take(12)))
                    // The server of gRPC reports a caller who hangs up in the middle of a request as a failure of the call.
                    .Where(text => !text.Contains("The client reset the request stream", StringComparison.Ordinal))
                    .DistinctBy(text => text.Split('\n')[0].Split("fail:")[^1] + (text.Split('\n').ElementAtOrDefault(2) ?? ""))
                    .Take(20)
                    .Select(text => $"{service} logs\n    {text}")
            );
        }

        return faults;
    }

    [GeneratedRegex("\"traceParent\":\"00-([0-9a-f]{32})")]
    private static partial Regex TraceParent();

    [GeneratedRegex(@"\b(fail|crit): |Unhandled exception")]
    private static partial Regex Failure();

    public sealed class Suite : RunningSuite
    {
        private protected override IEnumerable<string> Settings =>
            [
                "--Edge:Access:JoinsPerAddress=1000000",
                "--Edge:Access:JoinsPerInvitation=1000000",
                "--Edge:Access:RegistrationsPerAddress=1000000",
                .. Environment.GetEnvironmentVariable("FUZZ_REALM") == "embedded" ? (string[])["--Servers:Keycloak=embedded"] : [],
            ];
    }
}
