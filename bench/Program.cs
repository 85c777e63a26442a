using System.Globalization;
using Aspire.Hosting;
using Aspire.Hosting.Testing;
using Npgsql;
using Platform.Bench;

const int Rows = 100_000;
var round = TimeSpan.FromSeconds(args.Contains("--quick") ? 1 : 4);

// The limits per token would be all that we measured.
var application = await DistributedApplicationTestingBuilder.CreateAsync<Projects.Platform_AppHost>(
    ["--Edge:Access:ReadsPerSecond=1000000", "--Edge:Access:WritesPerSecond=1000000", "--EndpointsFile=bench-endpoints.json"]);
await using var suite = await application.BuildAsync();
await suite.StartAsync();
var endpoints = await Endpoints.WaitAsync(application.AppHostDirectory, "bench-endpoints.json");

using var http = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = 64 });
var mcp = new McpCaller(http, endpoints.Mcp, endpoints.Token);
await using var postgres = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(await suite.GetConnectionStringAsync("postgres"))
{
    Database = "postgres",
    MaxAutoPrepare = 20,
    AutoPrepareMinUsages = 2,
}.ConnectionString);

Console.WriteLine($"Filling {Rows:N0} rows on both sides …");
var baseline = new SqlBaseline(postgres);
await baseline.CreateAsync(Rows);
var subject = await PlatformSubject.CreateAsync(mcp, Rows);

Console.WriteLine("| operation | connections | platform /s | p50 ms | p99 ms | SQL /s | p50 ms | p99 ms | platform ÷ SQL |");
Console.WriteLine("|---|---|---|---|---|---|---|---|---|");
await CompareAsync("get by id", 1, _ => subject.GetAsync(), _ => baseline.GetAsync());
await CompareAsync("get by id", 8, _ => subject.GetAsync(), _ => baseline.GetAsync());
await CompareAsync("filtered search, 50 of 100,000", 1, _ => subject.SearchAsync(), _ => baseline.SearchAsync());
await CompareAsync("filtered search, 50 of 100,000", 8, _ => subject.SearchAsync(), _ => baseline.SearchAsync());
await CompareAsync("create 100", 1, _ => subject.CreateHundredAsync(), _ => baseline.CreateHundredAsync());
await CompareAsync("create 100", 4, _ => subject.CreateHundredAsync(), _ => baseline.CreateHundredAsync());
await ReportCpuAsync();

async Task CompareAsync(string operation, int connections, Func<int, Task> ours, Func<int, Task> theirs)
{
    var (platform, sql) = await Measure.CompareAsync(connections, round, ours, theirs);
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
        $"| {operation} | {connections} | {platform.PerSecond:F0} | {platform.P50:F2} | {platform.P99:F1} | {sql.PerSecond:F0} | {sql.P50:F2} | {sql.P99:F1} | {platform.PerSecond / sql.PerSecond:F2} |"));
}

// A trivial call does everything that every call does: authentication, policy, audit, the gRPC hop.
async Task ReportCpuAsync()
{
    var body = McpCaller.Prepare("whoami", []);
    await Measure.RunAsync(8, round, _ => mcp.SendPreparedAsync("whoami", body));
    var before = await CpuSecondsAsync();
    var run = await Measure.RunAsync(8, round * 3, _ => mcp.SendPreparedAsync("whoami", body));
    var after = await CpuSecondsAsync();
    var calls = run.PerSecond * (round * 3).TotalSeconds;
    foreach (var (service, seconds) in after)
    {
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"CPU per trivial tool call (whoami), {service}: {(seconds - before[service]) / calls * 1e6:F0} µs"));
    }
}

async Task<Dictionary<string, double>> CpuSecondsAsync()
{
    var seconds = new Dictionary<string, double>(StringComparer.Ordinal);
    foreach (var service in (string[])["edge", "identity", "audit"])
    {
        var metrics = await http.GetStringAsync(new Uri(suite.GetEndpoint(service, "http"), "/metrics"));
        seconds[service] = metrics.Split('\n').Where(line => line.StartsWith("dotnet_process_cpu_time_seconds_total", StringComparison.Ordinal))
            .Sum(line => double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture));
    }

    return seconds;
}
