using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Platform.Servers;

namespace Platform.LocalServers;

/// <summary>
/// A server that runs by its script of <c>AppHost/Servers</c>. It stops, with everything that it started, when it is disposed or this
/// process ends.
/// </summary>
internal sealed class LocalServer : IAsyncDisposable
{
    private static readonly string[] _brokerUsers = ["directory", "data", "identity", "audit"];

    private readonly ChildProcess _process;

    private LocalServer(ChildProcess process, int port, string connectionString) =>
        (_process, Port, ConnectionString) = (process, port, connectionString);

    public int Port { get; }

    /// <summary>As its client library takes it; for a Keycloak its URL.</summary>
    public string ConnectionString { get; }

    /// <summary>The script's process: the server itself where the script becomes it.</summary>
    public int ProcessId => _process.Id;

    /// <summary>Completes with the exit code when the server has ended, for whatever reason.</summary>
    public Task<int> Exited => _process.Exited;

    public IReadOnlyList<string> LastOutput => _process.LastOutput;

    public async ValueTask DisposeAsync() => await _process.DisposeAsync();

    /// <summary>A password that needs no quoting in connection strings, URLs and shells.</summary>
    public static string NewPassword() =>
        RandomNumberGenerator.GetString("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz0123456789", 22);

    /// <summary>The repository's root.</summary>
    public static string Checkout { get; } = FindCheckout();

    /// <summary>Starts PostgreSQL and returns when it takes connections of the user postgres.</summary>
    /// <param name="data">Where its files are, also those of an earlier run, crashed or not.</param>
    /// <param name="durable">False for data that may be thrown away.</param>
    public static Task<LocalServer> StartPostgresAsync(string data, string password, bool durable, CancellationToken cancellationToken)
    {
        var port = FreePorts.Next();
        Dictionary<string, string?> variables = new() { ["POSTGRES_PASSWORD"] = password, ["DURABLE"] = durable ? "true" : "false" };
        var quoted = password.Replace("'", "''", StringComparison.Ordinal);
        // 'R' asks for the password: the server is past recovery. 'E' with 57P03 would mean that it is still starting up.
        return StartAsync(
            "postgres",
            data,
            port,
            variables,
            $"Host=127.0.0.1;Port={port};Username=postgres;Password='{quoted}'",
            async token => await ExchangeAsync(port, PostgresStartup, token) is [(byte)'R', ..],
            cancellationToken
        );
    }

    /// <summary>Starts Redis and returns when it takes the password.</summary>
    public static Task<LocalServer> StartRedisAsync(string data, string password, int port, CancellationToken cancellationToken)
    {
        byte[] request =
        [
            .. Encoding.ASCII.GetBytes($"*2\r\n$4\r\nAUTH\r\n${Encoding.UTF8.GetByteCount(password)}\r\n"),
            .. Encoding.UTF8.GetBytes(password),
            .. "\r\n"u8,
        ];
        return StartAsync(
            "redis",
            data,
            port,
            new() { ["REDIS_PASSWORD"] = password },
            $"127.0.0.1:{port},password={password}",
            async token => await ExchangeAsync(port, request, token) is [(byte)'+', (byte)'O', (byte)'K', ..],
            cancellationToken
        );
    }

    /// <summary>The password of a service at a RabbitMQ of the tests.</summary>
    public static string BrokerPasswordOf(string user) => $"password-of-{user}";

    /// <summary>Starts RabbitMQ, with the users of the suite, and returns when it answers the AMQP handshake.</summary>
    public static Task<LocalServer> StartRabbitAsync(string data, string user, string password, CancellationToken cancellationToken) =>
        StartRabbitAsync(data, user, password, FreePorts.Next(), cancellationToken);

    /// <summary>The same at a port where clients look for it.</summary>
    public static Task<LocalServer> StartRabbitAsync(
        string data,
        string user,
        string password,
        int port,
        CancellationToken cancellationToken
    )
    {
        var values = _brokerUsers.ToDictionary(BrokerDefinitions.PasswordOf, BrokerPasswordOf);
        values["RABBITMQ_DEFAULT_USER"] = user;
        values["RABBITMQ_DEFAULT_PASS"] = password;
        Dictionary<string, string?> variables = new()
        {
            ["DEFINITIONS"] = BrokerDefinitions.Fill(Checkout, values),
            ["PORT_DIST"] = FreePorts.Next().ToString(CultureInfo.InvariantCulture),
            ["PORT_EPMD"] = FreePorts.Next().ToString(CultureInfo.InvariantCulture),
        };
        // The protocol's header; the broker answers with a method frame, Connection.Start.
        return StartAsync(
            "rabbitmq",
            data,
            port,
            variables,
            $"amqp://{Uri.EscapeDataString(user)}:{Uri.EscapeDataString(password)}@127.0.0.1:{port}",
            async token => await ExchangeAsync(port, "AMQP\0\0\x09\x01"u8.ToArray(), token) is [1, _, _, _, _, _, _, _, 10, _, 10, ..],
            cancellationToken
        );
    }

    /// <summary>Starts Keycloak and returns when it says that it is ready, with its realms imported.</summary>
    /// <param name="keycloak">What <see cref="KeycloakDistribution"/> found.</param>
    /// <param name="import">A folder of realm files.</param>
    public static Task<LocalServer> StartKeycloakAsync(
        string data,
        int port,
        string keycloak,
        string import,
        string adminPassword,
        Dictionary<string, string?> variables,
        IEnumerable<string> arguments,
        CancellationToken cancellationToken
    )
    {
        var management = FreePorts.Next();
        var request = "GET /health/ready HTTP/1.0\r\n\r\n"u8.ToArray();
        return StartAsync(
            "keycloak",
            data,
            port,
            new(variables)
            {
                ["KEYCLOAK"] = keycloak,
                ["IMPORT"] = import,
                ["PORT_HTTP"] = port.ToString(CultureInfo.InvariantCulture),
                ["PORT_MANAGEMENT"] = management.ToString(CultureInfo.InvariantCulture),
                ["KC_BOOTSTRAP_ADMIN_USERNAME"] = "admin",
                ["KC_BOOTSTRAP_ADMIN_PASSWORD"] = adminPassword,
            },
            $"http://127.0.0.1:{port}",
            async token => Encoding.ASCII.GetString(await ExchangeAsync(management, request, token)).Split(' ') is [_, "200", ..],
            cancellationToken,
            ["start-dev", "--import-realm", .. arguments]
        );
    }

    private static async Task<LocalServer> StartAsync(
        string name,
        string data,
        int port,
        Dictionary<string, string?> variables,
        string connectionString,
        Func<CancellationToken, Task<bool>> isReady,
        CancellationToken cancellationToken,
        IReadOnlyList<string>? arguments = null
    )
    {
        variables["DATA"] = Path.GetFullPath(data);
        variables["PORT"] = port.ToString(CultureInfo.InvariantCulture);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(TimeSpan.FromMinutes(4));
        var process = await ChildProcess.StartAsync(
            new ChildProcessOptions
            {
                Name = name,
                FileName = Path.Combine(Checkout, "AppHost", "Servers", $"{name}.sh"),
                Arguments = arguments ?? [],
                ExtraEnvironment = variables,
            },
            deadline.Token
        );
        try
        {
            while (!await isReady(deadline.Token))
            {
                if (process.HasExited)
                {
                    throw new ServerStartException(
                        name,
                        $"it ended while starting, with exit code {await process.Exited}",
                        process.LastOutput
                    );
                }

                await Task.Delay(50, deadline.Token);
            }

            return new LocalServer(process, port, connectionString);
        }
        catch
        {
            await process.DisposeAsync();
            throw;
        }
    }

    /// <summary>One request and the first bytes of its answer; empty when nothing listens or nothing is answered.</summary>
    private static async Task<byte[]> ExchangeAsync(int port, ReadOnlyMemory<byte> request, CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(TimeSpan.FromSeconds(5));
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, port, timeout.Token);
            var stream = client.GetStream();
            await stream.WriteAsync(request, timeout.Token);
            var buffer = new byte[512];
            var length = await stream.ReadAsync(buffer, timeout.Token);
            return buffer[..length];
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            return [];
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return [];
        }
    }

    // Protocol 3.0, for the database postgres.
    private static byte[] PostgresStartup => [0, 0, 0, 41, 0, 3, 0, 0, .. "user\0postgres\0database\0postgres\0\0"u8];

    private static string FindCheckout()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Platform.sln")))
        {
            folder = Path.GetDirectoryName(folder)
                ?? throw new InvalidOperationException("The tests run in a checkout of the platform only.");
        }

        return folder;
    }
}

/// <summary>A server could not be started; the message ends with the last lines it wrote.</summary>
internal sealed class ServerStartException(string server, string reason, IReadOnlyList<string> lastOutput)
    : Exception(
        $"{server}: {reason}. Its last output:{Environment.NewLine}  {string.Join(Environment.NewLine + "  ", lastOutput.TakeLast(20))}"
    );
