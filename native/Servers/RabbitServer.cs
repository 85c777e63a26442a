using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Platform.Native.Servers;

public sealed record RabbitOptions : ServerOptions
{
    public string UserName { get; init; } = "guest";

    /// <summary>The password of that user, an administrator; null makes one up.</summary>
    public string? Password { get; init; }
}

/// <summary>
/// A RabbitMQ node of its own: own cookie, own epmd, distribution on loopback. Its node name never changes, so that messages of an
/// earlier run in the same data directory are there again.
/// </summary>
public sealed class RabbitServer : LocalServer
{
    private const string Home = "/usr/lib/rabbitmq/bin";

    // epmd first and in the foreground: else the node would start one that outlives it.
    private const string Script = "epmd -address 127.0.0.1 -port \"$ERL_EPMD_PORT\" & exec \"$1\"";

    private RabbitServer(ChildProcess process, int port, RabbitOptions options, string password) : base(process, port)
    {
        UserName = options.UserName;
        Password = password;
    }

    public string UserName { get; }

    public string Password { get; }

    /// <summary>An AMQP URI for the default virtual host.</summary>
    public string ConnectionString => $"amqp://{Uri.EscapeDataString(UserName)}:{Uri.EscapeDataString(Password)}@{Host}:{Port}";

    /// <summary>The installed server program, or null.</summary>
    public static string? FindProgram() => File.Exists($"{Home}/rabbitmq-server") ? $"{Home}/rabbitmq-server" : null;

    /// <summary>Starts the node and returns when it answers the AMQP handshake.</summary>
    public static async Task<RabbitServer> StartAsync(RabbitOptions options, CancellationToken cancellationToken = default)
    {
        var program = FindProgram()
            ?? throw new ServerStartException($"RabbitMQ is not installed: no {Home}/rabbitmq-server (Debian: apt-get install rabbitmq-server).");
        var directory = Path.GetFullPath(options.DataDirectory);
        foreach (var folder in (string[])["", "log", "mnesia", "home", "config", "plugins"])
            Directory.CreateDirectory(Path.Combine(directory, folder));
        var password = options.Password ?? Passwords.Generate();
        WriteCookie(Path.Combine(directory, "home", ".erlang.cookie"));

        var (process, port) = await LaunchAsync("RabbitMQ", options with { DataDirectory = directory }, port =>
        {
            WriteConfiguration(directory, port, options.UserName, password);
            return new ChildProcessOptions
            {
                Name = "RabbitMQ",
                FileName = "sh",
                Arguments = ["-c", Script, "sh", program],
                WorkingDirectory = directory,
                ExtraEnvironment = NodeEnvironment(directory, port),
            };
        }, AnswersAsync, cancellationToken);
        return new RabbitServer(process, port, options, password);
    }

    /// <summary>Whether a broker on this loopback port answers the AMQP handshake.</summary>
    public static async Task<bool> AnswersAsync(int port, CancellationToken cancellationToken = default)
    {
        // The protocol's header; the broker answers with a method frame, Connection.Start.
        var answer = await ExchangeAsync(port, "AMQP\0\0\x09\x01"u8.ToArray(), cancellationToken);
        return answer.Length > 10 && answer[0] == 1 && answer[8] == 10 && answer[10] == 10;
    }

    private static void WriteCookie(string file)
    {
        if (File.Exists(file))
            return;
        Secrets.Write(file, Passwords.Generate(24));
        File.SetUnixFileMode(file, UnixFileMode.UserRead);
    }

    private static void WriteConfiguration(string directory, int port, string userName, string password)
    {
        var config = Path.Combine(directory, "config");
        // Definitions are loaded at every boot, unlike default_user: a new password also reaches data of an earlier run.
        Secrets.Write(Path.Combine(config, "definitions.json"), Definitions(userName, password));
        File.WriteAllText(Path.Combine(config, "rabbitmq.conf"), $"""
            listeners.tcp.default = 127.0.0.1:{port}
            load_definitions = {config}/definitions.json
            vm_memory_high_watermark.absolute = 512MB
            disk_free_limit.absolute = 64MB
            raft.wal_max_size_bytes = 33554432
            log.console = true
            log.console.level = info
            log.file = false

            """);
        File.WriteAllText(Path.Combine(config, "advanced.config"), "[].\n");
        File.WriteAllText(Path.Combine(config, "enabled_plugins"), "[].\n");
        File.WriteAllText(Path.Combine(config, "env.conf"), "");
        File.Delete(Path.Combine(directory, "rabbit.pid"));
    }

    private static string Definitions(string userName, string password)
    {
        var salt = RandomNumberGenerator.GetBytes(4);
        byte[] salted = [.. salt, .. Encoding.UTF8.GetBytes(password)];
        var hash = Convert.ToBase64String([.. salt, .. SHA256.HashData(salted)]);
        return new JsonObject
        {
            ["vhosts"] = new JsonArray(new JsonObject { ["name"] = "/" }),
            ["users"] = new JsonArray(new JsonObject
            {
                ["name"] = userName,
                ["password_hash"] = hash,
                ["hashing_algorithm"] = "rabbit_password_hashing_sha256",
                ["tags"] = new JsonArray("administrator"),
            }),
            ["permissions"] = new JsonArray(new JsonObject
            {
                ["user"] = userName,
                ["vhost"] = "/",
                ["configure"] = ".*",
                ["write"] = ".*",
                ["read"] = ".*",
            }),
        }.ToJsonString();
    }

    private static Dictionary<string, string?> NodeEnvironment(string directory, int port)
    {
        var config = Path.Combine(directory, "config");
        return new()
        {
            ["HOME"] = Path.Combine(directory, "home"),
            ["LANG"] = "C.UTF-8",
            ["ERL_EPMD_PORT"] = Ports.Free().ToString(CultureInfo.InvariantCulture),
            ["ERL_EPMD_ADDRESS"] = "127.0.0.1",
            ["ERL_CRASH_DUMP"] = Path.Combine(directory, "log", "erl_crash.dump"),
            // Makes the start script become the Erlang machine instead of watching it: one process id for signals and for its exit.
            ["RUNNING_UNDER_SYSTEMD"] = "true",
            ["NOTIFY_SOCKET"] = null,
            ["RABBITMQ_NODENAME"] = "rabbit@localhost",
            ["RABBITMQ_DIST_PORT"] = Ports.Free().ToString(CultureInfo.InvariantCulture),
            ["RABBITMQ_NODE_IP_ADDRESS"] = "127.0.0.1",
            ["RABBITMQ_NODE_PORT"] = port.ToString(CultureInfo.InvariantCulture),
            ["RABBITMQ_BASE"] = directory,
            ["RABBITMQ_MNESIA_BASE"] = Path.Combine(directory, "mnesia"),
            ["RABBITMQ_LOG_BASE"] = Path.Combine(directory, "log"),
            ["RABBITMQ_LOGS"] = "-",
            ["RABBITMQ_CONF_ENV_FILE"] = Path.Combine(config, "env.conf"),
            ["RABBITMQ_CONFIG_FILE"] = Path.Combine(config, "rabbitmq.conf"),
            ["RABBITMQ_ADVANCED_CONFIG_FILE"] = Path.Combine(config, "advanced.config"),
            ["RABBITMQ_ENABLED_PLUGINS_FILE"] = Path.Combine(config, "enabled_plugins"),
            ["RABBITMQ_PLUGINS_EXPAND_DIR"] = Path.Combine(directory, "plugins"),
            ["RABBITMQ_GENERATED_CONFIG_DIR"] = Path.Combine(config, "generated"),
            ["RABBITMQ_FEATURE_FLAGS_FILE"] = Path.Combine(directory, "mnesia", "feature_flags"),
            ["RABBITMQ_PID_FILE"] = Path.Combine(directory, "rabbit.pid"),
            // Schedulers that sleep at once: a node that spins takes the processor from everything beside it.
            ["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"] =
                "+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}",
        };
    }
}
