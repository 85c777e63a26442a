using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Aspire.Hosting;
using Aspire.Hosting.Testing;
using Npgsql;
using Platform.Bench;
using Platform.Bench.Campaign;
using Platform.Demo;

if (args.Contains("--campaign"))
{
    return await CampaignRun.RunAsync(CampaignOptions.Parse(args));
}

string[] services = ["edge", "directory", "data", "audit", "identity"];
var cpuOnly = args.Contains("--cpu");
var rows = cpuOnly ? 1000 : 100_000;
var round = TimeSpan.FromSeconds(args.Contains("--quick") ? 1 : 4);
var peer = args.Contains("--peer") ? Path.GetFullPath(Path.Combine("artifacts", "bench", "directus")) : null;

// The limits per token would be all that we measured.
var application = await DistributedApplicationTestingBuilder.CreateAsync<Projects.Platform_AppHost>([
    "--Edge:Access:ReadsPerSecond=1000000",
    "--Edge:Access:WritesPerSecond=1000000",
    "--EndpointsFile=bench-endpoints.json",
]);
await using var suite = await application.BuildAsync();
await suite.StartAsync();
using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(5));
var endpoints = await Endpoints.WaitAsync(Path.Combine(Checkout.Artifacts, "bench-endpoints.json"), patience.Token);

using var http = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = 64 });
var mcp = new McpCaller(http, endpoints.Mcp.AbsoluteUri, endpoints.Owner.Token);
var server = new NpgsqlConnectionStringBuilder(await suite.GetConnectionStringAsync("postgres")) { Database = "postgres" };
await using var postgres = NpgsqlDataSource.Create(
    new NpgsqlConnectionStringBuilder(server.ConnectionString) { MaxAutoPrepare = 20, AutoPrepareMinUsages = 2 }.ConnectionString
);
var use = new ServiceUse(http, services.ToDictionary(service => service, service => suite.GetEndpoint(service, "http")));

using var peerHttp = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = 64 });
await using var directus = peer is null ? null : await DirectusSubject.StartAsync(peer, server, peerHttp);
var platform = new PlatformSubject(mcp);
List<ISubject> subjects = [platform, new SqlSubject(postgres, indexed: false), new SqlSubject(postgres, indexed: true)];
if (directus is not null)
{
    subjects.Add(directus);
}

Console.WriteLine($"Filling {rows:N0} rows on each side …");
foreach (var subject in subjects)
{
    await subject.FillAsync(rows);
}

if (args.Contains("--hold"))
{
    Console.WriteLine(
        $"Up until Ctrl-C. {endpoints.Mcp} with {endpoints.Owner.Token}; metrics: "
            + string.Join(", ", services.Select(service => suite.GetEndpoint(service, "http")))
    );
    var stop = new TaskCompletionSource();
    using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
    using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
    await stop.Task;
    void Stop(PosixSignalContext signal)
    {
        signal.Cancel = true;
        stop.TrySetResult();
    }

    return 0;
}

if (cpuOnly)
{
    await ReportAsync();
    return 0;
}

await CheckAnswersAsync();
var earning = Stopwatch.StartNew();
foreach (var subject in subjects)
{
    await subject.EarnIndexAsync();
}

Console.WriteLine($"The search has earned its index after {earning.Elapsed.TotalSeconds:F0} s.");
await CheckAnswersAsync();
Console.WriteLine(
    $"| operation | connections | {string.Join(" | ", subjects.Select(subject => $"{subject.Name} /s | p50 ms | p99 ms"))} | "
        + $"{string.Join(" | ", subjects.Skip(1).Select(subject => $"platform ÷ {subject.Name}"))} |"
);
Console.WriteLine($"|---|---|{string.Concat(Enumerable.Repeat("---|", (subjects.Count * 4) - 1))}");
await CompareAsync("get by id", subject => subject.GetAsync, 1, 8, 32);
await CompareAsync("filtered search, 50 of 100,000", subject => subject.SearchAsync, 1, 8);
await CompareAsync("update one", subject => subject.UpdateAsync, 1, 8);
await CompareAsync("create 100", subject => subject.CreateHundredAsync, 1, 4);
await ReportAsync();
return 0;

async Task ReportAsync()
{
    await ReportCpuAsync("whoami", []);
    await ReportCpuAsync("list_databases", []);
    ReportMemory(await use.ReadAsync());
}

// A side that answers wrongly is not worth measuring.
async Task CheckAnswersAsync()
{
    foreach (var query in Query.All)
    {
        var expected = await subjects[1].DuesAsync(query);
        foreach (var subject in subjects)
        {
            var found = await subject.DuesAsync(query);
            if (!found.SequenceEqual(expected))
            {
                throw new InvalidOperationException(
                    $"{subject.Name} answers {query} otherwise than SQL: {found.Count} records, {string.Join(' ', found.Take(3))} …"
                );
            }
        }
    }
}

async Task CompareAsync(string operation, Func<ISubject, Func<Task>> call, params int[] connections)
{
    foreach (var count in connections)
    {
        var measured = await Measure.CompareAsync(count, round, subjects.ConvertAll(subject => call(subject)));
        var numbers = measured.Select(one =>
            string.Create(CultureInfo.InvariantCulture, $"{one.PerSecond:F0} | {one.P50:F2} | {one.P99:F1}")
        );
        var ratios = measured
            .Skip(1)
            .Select(other => string.Create(CultureInfo.InvariantCulture, $"{measured[0].PerSecond / other.PerSecond:F2}"));
        Console.WriteLine($"| {operation} | {count} | {string.Join(" | ", numbers)} | {string.Join(" | ", ratios)} |");
    }
}

// A trivial call does everything that every call does: authentication, policy, audit, the gRPC hop. whoami asks identity, and identity the
// directory; list_databases asks data alone.
async Task ReportCpuAsync(string tool, JsonObject arguments)
{
    var body = McpCaller.Prepare(tool, arguments);
    // The runtime has finished compiling after that.
    await Measure.RunAsync(8, TimeSpan.FromSeconds(8), () => mcp.SendPreparedAsync(tool, body));
    var before = await use.ReadAsync();
    var run = await Measure.RunAsync(8, TimeSpan.FromSeconds(12), () => mcp.SendPreparedAsync(tool, body));
    var after = await use.ReadAsync();
    var perCall = services.ToDictionary(
        service => service,
        service => (after[service].CpuSeconds - before[service].CpuSeconds) / run.Calls * 1e6
    );
    Console.WriteLine(
        string.Create(
            CultureInfo.InvariantCulture,
            $"CPU per trivial tool call ({tool}, {run.PerSecond:F0} per second), µs: {Each(perCall)}, together {perCall.Values.Sum():F0}"
        )
    );
}

void ReportMemory(IReadOnlyDictionary<string, ServiceUse.Reading> readings) =>
    Console.WriteLine(
        string.Create(
            CultureInfo.InvariantCulture,
            $"Memory after the load, MiB: {Each(readings.ToDictionary(service => service.Key, service => service.Value.MemoryMiB))}, "
                + $"together {readings.Values.Sum(reading => reading.MemoryMiB):F0}; "
                + $"with shared pages counted once {readings.Values.Sum(reading => reading.ShareMiB):F0}"
        )
    );

string Each(IReadOnlyDictionary<string, double> values) =>
    string.Join(", ", values.Select(value => string.Create(CultureInfo.InvariantCulture, $"{value.Key} {value.Value:F0}")));
