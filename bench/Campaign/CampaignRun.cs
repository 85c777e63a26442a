using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json.Nodes;
using Aspire.Hosting;
using Aspire.Hosting.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Platform.Demo;
using Platform.EndToEnd.Tests;
using Platform.Servers;

namespace Platform.Bench.Campaign;

/// <summary>
/// Interrupts the suite again and again while it is used, and then checks that nothing was lost, doubled or left untold.
/// </summary>
internal static class CampaignRun
{
    private const int ShownPerCheck = 8;

    // A missing number becomes a gap after a minute, and a mail that nobody marked leaves after the lease of three.
    private static readonly TimeSpan _settling = TimeSpan.FromMinutes(8);

    /// <returns>The exit code: 0 if every promise was kept.</returns>
    public static async Task<int> RunAsync(CampaignOptions options)
    {
        Console.WriteLine($"--seed {options.Seed} --kills {options.Kills}");
        var artifacts = Path.Combine(Checkout.Artifacts, "campaign", $"{DateTime.UtcNow:yyyyMMdd-HHmmss}");
        var intake = new Uri($"http://127.0.0.1:{FreePorts.Next()}");
        await using var receiver = await TrailReceiver.StartAsync(intake);
        await using var suite = await StartAsync(artifacts, intake);
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(10));
        var endpoints = await Endpoints.WaitAsync(Path.Combine(artifacts, "endpoints.json"), patience.Token);

        using var http = new HttpClient(
            new SocketsHttpHandler { MaxConnectionsPerServer = 200, PooledConnectionLifetime = TimeSpan.FromMinutes(1) }
        )
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
        var mcp = new McpCaller(http, endpoints.Mcp.AbsoluteUri, endpoints.Owner.Token);
        await using var databases = new Databases((await suite.GetConnectionStringAsync("postgres"))!);
        var ledger = new Ledger();
        var random = new Random(options.Seed);
        var client = new CampaignClient(http, endpoints.Mcp.AbsoluteUri, endpoints.Owner.Token, ledger);
        var load = new Load(client, ledger, random, options.PerSecond);
        await OpenStreamsAsync(mcp, intake);
        await load.PrepareAsync();
        await load.PrepareGovernanceAsync(endpoints);

        using var stop = new CancellationTokenSource();
        var clock = Stopwatch.StartNew();
        var running = Task.Run(() => load.RunAsync(stop.Token));
        // What the answers are like when nothing is interrupted.
        await Task.Delay(TimeSpan.FromSeconds(10));
        var interrupter = new Interrupter(new SuiteProcesses(suite), databases, ledger, options, new Random(options.Seed + 1));
        using var end = new CancellationTokenSource();
        using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, End);
        using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, End);
        await interrupter.RunAsync(end.Token);
        await Task.Delay(TimeSpan.FromSeconds(5));
        await stop.CancelAsync();
        await running;
        var took = clock.Elapsed;
        // Counting calls as well, so it comes before everything is at rest.
        await SettleAsync(databases, receiver);
        var counts = await new Counts(databases, mcp).ReadAsync(load.Table);
        var unsettled = await SettleAsync(databases, receiver);
        var log = await AuditLog.ReadAsync(databases);
        var checks = new List<Check>(new Checks(ledger, log, counts, Path.Combine(artifacts, "mail")).All());
        checks.AddRange(await new TrailChecks(log, databases, receiver).AllAsync());
        checks.Add(interrupter.AllStartedAgain());
        checks.Add(
            new Check(
                "Everything comes to rest: outboxes, log, streams, mails",
                unsettled ?? "at rest",
                unsettled is null ? [] : [unsettled]
            )
        );
        var report = Report(options, ledger, load, receiver, checks, took);
        await File.WriteAllTextAsync(Path.Combine(artifacts, "report.md"), report);
        Console.WriteLine(report);
        Console.WriteLine($"{Path.Combine(artifacts, "report.md")}; the logs are beside it.");
        return checks.All(check => check.Wrong.Count == 0) ? 0 : 1;

        // Enough interruptions: what was found so far is worth a report.
        void End(PosixSignalContext signal)
        {
            signal.Cancel = true;
            end.Cancel();
        }
    }

    private static async Task<DistributedApplication> StartAsync(string artifacts, Uri intake)
    {
        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.Platform_AppHost>([
            $"--Artifacts={artifacts}",
            "--Servers=local",
            $"--Demo:DatadogIntake={intake}",
            "--Edge:Access:ReadsPerSecond=1000",
            "--Edge:Access:WritesPerSecond=1000",
            $"--Keycloak:Clients:platform-governance:RedirectUris:0={AuthorizationCode.GovernanceRedirect}",
        ]);
        // Each look at a server that is away would be a page of the output.
        builder.Services.AddLogging(logging => logging.AddFilter("Microsoft.Extensions.Diagnostics.HealthChecks", LogLevel.None));
        var suite = await builder.BuildAsync();
        await suite.StartAsync();
        return suite;
    }

    private static async Task OpenStreamsAsync(McpCaller mcp, Uri intake)
    {
        var environments = await mcp.CallAsync("list_environments", []);
        var sandbox = environments["environments"]!.AsArray().First(one => one!["kind"]!.GetValue<string>() == "sandbox")!["id"]!;
        await OpenAsync("datadog", new() { ["site"] = "datadoghq.com", ["apiKey"] = new string('k', 32) });
        await OpenAsync("https", new() { ["url"] = new Uri(intake, "/hook").AbsoluteUri });
        return;

        Task OpenAsync(string type, JsonObject destination) =>
            mcp.CallAsync(
                "create_audit_stream",
                new()
                {
                    ["type"] = type,
                    ["name"] = type,
                    [type] = destination,
                    ["start"] = "beginning",
                    ["environmentIds"] = new JsonArray(sandbox.DeepClone()),
                    ["workspaceEvents"] = true,
                }
            );
    }

    /// <summary>Waits until nothing is under way any more. Returns what is after all, or null.</summary>
    private static async Task<string?> SettleAsync(Databases databases, TrailReceiver receiver)
    {
        var clock = Stopwatch.StartNew();
        for (var quiet = 0; ; )
        {
            var waiting = await WaitingAsync(databases, receiver);
            quiet = waiting is null ? quiet + 1 : 0;
            // The edge gathers reads for a moment, and gaps are looked for every few seconds.
            if (quiet >= 8 || clock.Elapsed > _settling)
            {
                Console.WriteLine($"Settled after {clock.Elapsed.TotalSeconds:F0} s.");
                return waiting;
            }

            await Task.Delay(2000);
        }
    }

    private static async Task<string?> WaitingAsync(Databases databases, TrailReceiver receiver)
    {
        foreach (var database in Databases.All)
        {
            if (await databases.CountAsync(database, "select count(*) from platform.outbox where sent_at is null") is > 0 and var unsent)
            {
                return $"{unsent} events wait in {database}";
            }
        }

        var mails = await databases.CountAsync(Databases.Directory, "select count(*) from directory.mail where state = 'waiting'");
        var arrivals = await databases.CountAsync(Databases.Audit, "select count(*) from audit.arrival");
        var gaps = (await databases.QueryAsync(Databases.Audit, AuditLog.ReadNumbers, row => row.GetInt64(1)))[0];
        var last = await databases.CountAsync(
            Databases.Audit,
            "select coalesce((select max(sequence) from audit.event group by workspace_id order by count(*) desc limit 1), 0)"
        );
        var behind = new[] { TrailReceiver.Datadog, TrailReceiver.Https }.Min(stream =>
            receiver.EntriesOf(stream).Select(entry => entry.Sequence).DefaultIfEmpty(0).Max()
        );
        return (mails, arrivals, gaps, behind < last) switch
        {
            (> 0, _, _, _) => $"{mails} mails wait",
            (_, > 0, _, _) => $"{arrivals} events have no number",
            (_, _, > 0, _) => $"{gaps} gaps are not reported",
            (_, _, _, true) => $"a stream is at {behind} of {last}",
            _ => null,
        };
    }

    private static string Report(
        CampaignOptions options,
        Ledger ledger,
        Load load,
        TrailReceiver receiver,
        List<Check> checks,
        TimeSpan took
    )
    {
        var text = new StringBuilder();
        var how = ledger.Interruptions.GroupBy(one => one.How).Select(group => $"{group.Count()} × {group.Key}");
        text.AppendLine(
            $"Seed {options.Seed}: {string.Join(", ", how)} in {took.TotalMinutes:F0} minutes, under {ledger.Attempts.Count:N0} calls "
                + $"({ledger.Attempts.Count / took.TotalSeconds:F0} per second, {load.Skipped} not made because too many waited)."
        );
        text.AppendLine();
        text.AppendLine("| Promise | Found | Holds |");
        text.AppendLine("|---|---|---|");
        foreach (var check in checks)
        {
            text.AppendLine($"| {check.Promise} | {check.Found} | {(check.Wrong.Count == 0 ? "yes" : $"**no: {check.Wrong.Count}**")} |");
        }

        text.AppendLine();
        foreach (var check in checks.Where(check => check.Wrong.Count > 0))
        {
            text.AppendLine($"{check.Promise}:");
            text.AppendLine();
            foreach (var wrong in check.Wrong.Take(ShownPerCheck))
            {
                text.AppendLine($"- {wrong}");
            }

            text.AppendLine();
        }

        text.AppendLine(
            "Seconds from the kill to the first good answer after the last failure: median / worst (in how many of the kills)."
        );
        text.AppendLine();
        foreach (var line in Recoveries.Table(ledger, receiver))
        {
            text.AppendLine(line);
        }

        return text.ToString();
    }
}
