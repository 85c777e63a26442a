using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Platform.Native.Servers;

public sealed record PostgresOptions : ServerOptions
{
    public string UserName { get; init; } = "postgres";

    /// <summary>The superuser's password; null keeps the one in the data directory, or makes one up.</summary>
    public string? Password { get; init; }

    /// <summary>Off only for data that may be thrown away: turns fsync, synchronous_commit and full_page_writes off.</summary>
    public bool Durable { get; init; } = true;

    public int MaxConnections { get; init; } = 300;

    /// <summary>The folder with initdb and postgres; null takes the newest of the distribution's packages.</summary>
    public string? BinDirectory { get; init; }
}

/// <summary>A PostgreSQL server with password authentication. A data directory of an earlier run, crashed or not, is started again.</summary>
public sealed class PostgresServer : LocalServer
{
    private PostgresServer(ChildProcess process, int port, PostgresOptions options, string password, string dataDirectory)
        : base(process, port)
    {
        UserName = options.UserName;
        Password = password;
        DataDirectory = dataDirectory;
    }

    public string UserName { get; }

    public string Password { get; }

    /// <summary>Where the data is: not where it was asked for when the user that PostgreSQL runs as cannot get there.</summary>
    public string DataDirectory { get; }

    /// <summary>An Npgsql connection string without a database.</summary>
    public string ConnectionString => $"Host={Host};Port={Port};Username={UserName};Password={Password}";

    /// <summary>The newest installed version's folder of programs, or null when PostgreSQL is not installed.</summary>
    public static string? FindBinDirectory() =>
        Directory.Exists("/usr/lib/postgresql")
            ? Directory.GetDirectories("/usr/lib/postgresql")
                .OrderByDescending(d => double.TryParse(Path.GetFileName(d), CultureInfo.InvariantCulture, out var version) ? version : 0)
                .Select(d => Path.Combine(d, "bin"))
                .FirstOrDefault(d => File.Exists(Path.Combine(d, "initdb")))
            : null;

    /// <summary>Starts the server and returns when it takes connections.</summary>
    public static async Task<PostgresServer> StartAsync(PostgresOptions options, CancellationToken cancellationToken = default)
    {
        var bin = options.BinDirectory ?? FindBinDirectory()
            ?? throw new ServerStartException("PostgreSQL is not installed: no /usr/lib/postgresql/*/bin (Debian: apt-get install postgresql).");
        var user = Environment.UserName == "root" ? await FindServiceUserAsync(cancellationToken) : null;
        var directory = Path.GetFullPath(options.DataDirectory);
        if (user is not null)
            directory = await ReachableAsync(directory, user, options.OnLine, cancellationToken);

        Directory.CreateDirectory(directory);
        File.SetUnixFileMode(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        if (user is not null)
            await RunAsync("chown", ["-R", user, directory], null, null, cancellationToken);

        var data = Path.Combine(directory, "data");
        var password = await PrepareAsync(options, bin, user, directory, data, cancellationToken);
        RemoveStaleLock(data);

        List<string> settings =
        [
            "listen_addresses=127.0.0.1", "unix_socket_directories=", $"max_connections={options.MaxConnections}", "shared_buffers=128MB",
            "logging_collector=off", "log_destination=stderr", "log_line_prefix=%m [%p] ", "timezone=UTC", "log_timezone=UTC",
        ];
        settings.AddRange(options.Durable
            ? ["fsync=on", "synchronous_commit=on", "full_page_writes=on"]
            : ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_wal_size=4GB"]);
        var startup = StartupMessage(options.UserName);
        var (process, port) = await LaunchAsync("PostgreSQL", options with { DataDirectory = directory }, port => new ChildProcessOptions
        {
            Name = "PostgreSQL",
            FileName = Path.Combine(bin, "postgres"),
            Arguments = ["-D", data, "-p", port.ToString(CultureInfo.InvariantCulture), .. settings.SelectMany(s => (string[])["-c", s])],
            WorkingDirectory = directory,
            User = user,
            StopSignal = "INT",
            ExtraEnvironment = ServerEnvironment(directory),
        }, async (port, token) =>
        {
            // 'R' asks for the password: the server is past recovery. 'E' 57P03 means it is still starting up.
            var answer = await ExchangeAsync(port, startup, token);
            return answer.Length > 0 && answer[0] == (byte)'R';
        }, cancellationToken);
        return new PostgresServer(process, port, options, password, directory);
    }

    private static Dictionary<string, string?> ServerEnvironment(string directory) => new()
    {
        ["HOME"] = directory,
        ["LC_ALL"] = "C.UTF-8",
        ["PGDATA"] = null,
        ["PGPORT"] = null,
        ["TZ"] = "UTC",
    };

    /// <summary>Makes the cluster when there is none and brings the superuser's password up to date; answers that password.</summary>
    private static async Task<string> PrepareAsync(
        PostgresOptions options, string bin, string? user, string directory, string data, CancellationToken cancellationToken)
    {
        var passwordFile = Path.Combine(directory, "password");
        var known = File.Exists(passwordFile) ? (await File.ReadAllTextAsync(passwordFile, cancellationToken)).Trim() : null;
        var password = options.Password ?? known ?? Passwords.Generate();
        var exists = File.Exists(Path.Combine(data, "PG_VERSION")) && File.Exists(Path.Combine(directory, "initialized"));
        if (exists && known == password)
            return password;

        // The file is written as the server's user, so that only that user can read it.
        await RunAsync("sh", ["-c", "umask 077; cat > \"$1\"", "sh", passwordFile], password, user, cancellationToken);
        if (exists)
        {
            var role = options.UserName.Replace("\"", "\"\"", StringComparison.Ordinal);
            var secret = password.Replace("'", "''", StringComparison.Ordinal);
            RemoveStaleLock(data);
            await RunAsync(Path.Combine(bin, "postgres"), ["--single", "-D", data, "postgres"],
                $"alter role \"{role}\" password '{secret}';\n", user,
                cancellationToken, ServerEnvironment(directory));
            return password;
        }

        if (Directory.Exists(data))
            Directory.Delete(data, true);
        List<string> arguments =
        [
            "-D", data, "-U", options.UserName, "-A", "scram-sha-256", $"--pwfile={passwordFile}", "-E", "UTF8", "--locale=C.UTF-8",
        ];
        if (!options.Durable)
            arguments.Add("--no-sync");
        await RunAsync(Path.Combine(bin, "initdb"), arguments, null, user, cancellationToken, ServerEnvironment(directory));
        // Without this mark a half-made cluster, of an initdb that was killed, is made again.
        await File.WriteAllTextAsync(Path.Combine(directory, "initialized"), "", cancellationToken);
        return password;
    }

    /// <summary>A lock file whose process id now belongs to something else would keep the server from starting.</summary>
    private static void RemoveStaleLock(string data)
    {
        var file = Path.Combine(data, "postmaster.pid");
        if (!File.Exists(file) || !int.TryParse(File.ReadLines(file).FirstOrDefault(), CultureInfo.InvariantCulture, out var pid))
            return;
        if (!Signals.IsAlive(pid) || !CommandLine(pid).Contains(data, StringComparison.Ordinal))
            File.Delete(file);
    }

    private static string CommandLine(int pid)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/cmdline").Replace('\0', ' ');
        }
        catch (IOException)
        {
            return "";
        }
    }

    private static async Task<string> FindServiceUserAsync(CancellationToken cancellationToken)
    {
        var users = (await File.ReadAllLinesAsync("/etc/passwd", cancellationToken)).Select(l => l.Split(':')[0]).ToHashSet();
        return users.Contains("postgres") ? "postgres" : users.Contains("nobody") ? "nobody"
            : throw new ServerStartException("PostgreSQL refuses to run as root and there is neither a user postgres nor nobody.");
    }

    /// <summary>The directory, or one under /var/tmp when the server's user cannot pass through one of its parents.</summary>
    private static async Task<string> ReachableAsync(string directory, string user, Action<string>? say,
        CancellationToken cancellationToken)
    {
        var parent = Path.GetDirectoryName(directory)!;
        Directory.CreateDirectory(parent);
        if (await TryRunAsync("test", ["-x", parent], null, user, cancellationToken) is null)
            return directory;
        var digest = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(directory)))[..16];
        var fallback = $"/var/tmp/platform-postgres-{digest}";
        say?.Invoke($"{directory} cannot be reached by the user {user} that PostgreSQL runs as; its data is in {fallback}.");
        return fallback;
    }

    private static async Task RunAsync(string file, IReadOnlyList<string> arguments, string? input, string? user,
        CancellationToken cancellationToken, IReadOnlyDictionary<string, string?>? environment = null)
    {
        if (await TryRunAsync(file, arguments, input, user, cancellationToken, environment) is { } error)
            throw new ServerStartException("PostgreSQL", $"{Path.GetFileName(file)} failed", error.Split('\n'));
    }

    /// <summary>Runs a short command to its end; answers its output when it failed, else null.</summary>
    private static async Task<string?> TryRunAsync(string file, IReadOnlyList<string> arguments, string? input, string? user,
        CancellationToken cancellationToken, IReadOnlyDictionary<string, string?>? environment = null)
    {
        var start = new ProcessStartInfo(user is null ? file : "setpriv")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = "/",
        };
        if (user is not null)
        {
            foreach (var argument in (string[])[$"--reuid={user}", $"--regid={user switch { "nobody" => "nogroup", _ => user }}",
                "--clear-groups", file])
                start.ArgumentList.Add(argument);
        }
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        foreach (var (name, value) in environment ?? new Dictionary<string, string?>())
            start.Environment[name] = value;
        using var process = Process.Start(start)!;
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
            var error = process.StandardError.ReadToEndAsync(cancellationToken);
            if (input is not null)
                await process.StandardInput.WriteAsync(input);
            process.StandardInput.Close();
            await process.WaitForExitAsync(cancellationToken);
            return process.ExitCode == 0 ? null : await output + await error;
        }
        catch
        {
            if (!process.HasExited)
                process.Kill(true);
            throw;
        }
    }

    /// <summary>A protocol 3.0 startup message for the maintenance database.</summary>
    private static byte[] StartupMessage(string user)
    {
        var body = Encoding.UTF8.GetBytes($"user\0{user}\0database\0postgres\0\0");
        byte[] header = [0, 0, 0, 0, 0, 3, 0, 0];
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(header, header.Length + body.Length);
        return [.. header, .. body];
    }
}
