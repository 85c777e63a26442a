using System.Text;

namespace Platform.Native.Servers;

public sealed record RedisOptions : ServerOptions
{
    /// <summary>The password that clients must give; null makes one up.</summary>
    public string? Password { get; init; }
}

/// <summary>A Redis server that keeps nothing: no snapshots, no append-only file.</summary>
public sealed class RedisServer : LocalServer
{
    private RedisServer(ChildProcess process, int port, string password) : base(process, port) => Password = password;

    public string Password { get; }

    /// <summary>A StackExchange.Redis configuration string.</summary>
    public string ConnectionString => $"{Host}:{Port},password={Password}";

    /// <summary>The installed server program, or null.</summary>
    public static string? FindProgram() => Programs.Find("redis-server");

    /// <summary>Starts the server and returns when it answers PING.</summary>
    public static async Task<RedisServer> StartAsync(RedisOptions options, CancellationToken cancellationToken = default)
    {
        var program = FindProgram()
            ?? throw new ServerStartException("Redis is not installed: no redis-server (Debian: apt-get install redis-server).");
        var directory = Directory.CreateDirectory(Path.GetFullPath(options.DataDirectory)).FullName;
        var password = options.Password ?? Passwords.Generate();
        var configuration = Path.Combine(directory, "redis.conf");
        var (process, port) = await LaunchAsync("Redis", options with { DataDirectory = directory }, port =>
        {
            Secrets.Write(configuration, $"""
                bind 127.0.0.1
                port {port}
                dir "{directory}"
                daemonize no
                save ""
                appendonly no
                protected-mode yes
                requirepass "{password.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}"

                """);
            return new ChildProcessOptions
            {
                Name = "Redis",
                FileName = program,
                Arguments = [configuration],
                WorkingDirectory = directory,
            };
        }, (port, token) => AnswersAsync(port, password, token), cancellationToken);
        return new RedisServer(process, port, password);
    }

    /// <summary>Whether a server on this loopback port takes the password and answers PING.</summary>
    public static async Task<bool> AnswersAsync(int port, string password, CancellationToken cancellationToken = default)
    {
        byte[] ping = [.. "*1\r\n$4\r\nPING\r\n"u8];
        var secret = Encoding.UTF8.GetBytes(password);
        byte[] request = secret.Length == 0
            ? ping
            : [.. Encoding.ASCII.GetBytes($"*2\r\n$4\r\nAUTH\r\n${secret.Length}\r\n"), .. secret, .. "\r\n"u8, .. ping];
        var answer = Encoding.ASCII.GetString(await ExchangeAsync(port, request, cancellationToken));
        return answer.StartsWith(secret.Length == 0 ? "+PONG" : "+OK", StringComparison.Ordinal);
    }
}

internal static class Programs
{
    public static string? Find(string name, params string[] more) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries)
            .Concat(["/usr/bin", "/usr/sbin", "/usr/local/bin"]).Select(d =>
                Path.Combine(d, name)).Concat(more).FirstOrDefault(File.Exists);
}

internal static class Secrets
{
    /// <summary>Writes a file that only this user can read.</summary>
    public static void Write(string file, string content)
    {
        using var stream = new FileStream(file, new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        });
        stream.Write(Encoding.UTF8.GetBytes(content));
    }
}
