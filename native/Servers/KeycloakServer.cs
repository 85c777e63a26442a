using System.Formats.Tar;
using System.Globalization;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;

namespace Platform.Native.Servers;

public sealed record KeycloakOptions : ServerOptions
{
    /// <summary>An unpacked distribution; it is only read.</summary>
    public required string Home { get; init; }

    /// <summary>Realm files, or folders of them, imported at the first start.</summary>
    public IReadOnlyList<string> Imports { get; init; } = [];

    public string AdminUserName { get; init; } = "admin";

    public string AdminPassword { get; init; } = Passwords.Generate();

    public int? ManagementPort { get; init; }

    /// <summary>The command and its options, without those for addresses, which are added.</summary>
    public IReadOnlyList<string> Arguments { get; init; } = ["start-dev", "--import-realm"];

    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>The host name in its own address and so in the issuer.</summary>
    public string HostName { get; init; } = "127.0.0.1";
}

/// <summary>A Keycloak with its database in its data directory. Its first start on a machine takes 40 s, later ones 10 s.</summary>
public sealed class KeycloakServer : LocalServer
{
    private KeycloakServer(ChildProcess process, int port, KeycloakOptions options, int managementPort) : base(process, port)
    {
        Url = $"http://{options.HostName}:{port}";
        ManagementPort = managementPort;
        AdminUserName = options.AdminUserName;
        AdminPassword = options.AdminPassword;
    }

    /// <summary>The public address, which the issuers of its realms begin with.</summary>
    public string Url { get; }

    public int ManagementPort { get; }

    public string AdminUserName { get; }

    public string AdminPassword { get; }

    /// <summary>
    /// Finds a distribution: KEYCLOAK_HOME, else ../shared/keycloak* beside the checkout, an archive of which is unpacked once under
    /// artifacts. Answers null, and says why, when there is none or no Java to run it.
    /// </summary>
    public static async Task<string?> FindHomeAsync(string checkout, Action<string> say, CancellationToken cancellationToken = default)
    {
        var home = await FindDistributionAsync(checkout, cancellationToken);
        if (home is null)
        {
            say("There is no Keycloak: KEYCLOAK_HOME is not set and there is no ../shared/keycloak*.");
        }
        else if (FindJava() is null)
        {
            say("There is a Keycloak but no Java to run it (Debian: apt-get install openjdk-17-jre-headless).");
            home = null;
        }
        return home;
    }

    /// <summary>Starts the server and returns when it says that it is ready, with its realms imported.</summary>
    public static async Task<KeycloakServer> StartAsync(KeycloakOptions options, CancellationToken cancellationToken = default)
    {
        var directory = Directory.CreateDirectory(Path.GetFullPath(options.DataDirectory)).FullName;
        var managementPort = options.ManagementPort ?? Ports.Free();
        var cache = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(options.Home))!, $"{Path.GetFileName(options.Home)}-built",
            BuildKey(options));
        var home = PrepareHome(options, directory, cache);
        var request = Encoding.ASCII.GetBytes("GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        // Java takes its time the first time on a slow machine; a minute and a half would not always do.
        var patient = options with
        {
            DataDirectory = directory,
            StartTimeout = options.StartTimeout < TimeSpan.FromMinutes(4) ? TimeSpan.FromMinutes(4) : options.StartTimeout,
        };
        var (process, port) = await LaunchAsync("Keycloak", patient, port => new ChildProcessOptions
        {
            Name = "Keycloak",
            FileName = Path.Combine(home, "bin", "kc.sh"),
            Arguments = [.. options.Arguments, .. Addresses(options, port, managementPort)],
            WorkingDirectory = home,
            ExtraEnvironment = Variables(options),
            StopGrace = TimeSpan.FromSeconds(4),
        }, async (_, token) =>
        {
            var answer = await ExchangeAsync(managementPort, request, token);
            return Encoding.ASCII.GetString(answer).StartsWith("HTTP/1.1 200", StringComparison.Ordinal);
        }, cancellationToken);
        KeepBuild(Path.Combine(home, "lib", "quarkus"), cache);
        return new KeycloakServer(process, port, options, managementPort);
    }

    private static string? FindJava() =>
        Environment.GetEnvironmentVariable("JAVA_HOME") is { Length: > 0 } java && File.Exists(Path.Combine(java, "bin", "java"))
            ? java
            : Programs.Find("java");

    private static async Task<string?> FindDistributionAsync(string checkout, CancellationToken cancellationToken)
    {
        if (Environment.GetEnvironmentVariable("KEYCLOAK_HOME") is { Length: > 0 } given)
        {
            return IsHome(given) ? Path.GetFullPath(given)
                : throw new ServerStartException($"KEYCLOAK_HOME is {given}, where there is no bin/kc.sh.");
        }
        var shared = Path.GetFullPath(Path.Combine(checkout, "..", "shared"));
        if (!Directory.Exists(shared))
            return null;
        if (Directory.GetDirectories(shared, "keycloak*").Where(IsHome).OrderDescending().FirstOrDefault() is { } folder)
            return folder;
        var archive = Directory.GetFiles(shared, "keycloak*.tar.gz").OrderDescending().FirstOrDefault();
        return archive is null ? null : await UnpackAsync(archive, Path.Combine(checkout, "artifacts", "keycloak"), cancellationToken);
    }

    private static bool IsHome(string folder) => File.Exists(Path.Combine(folder, "bin", "kc.sh"));

    /// <summary>The folder's name is the archive's and appears when it is complete, so it is its own stamp.</summary>
    private static async Task<string> UnpackAsync(string archive, string artifacts, CancellationToken cancellationToken)
    {
        var target = Path.Combine(artifacts, Path.GetFileName(archive)[..^".tar.gz".Length]);
        if (IsHome(target))
            return target;
        var temporary = Path.Combine(artifacts, $".{Guid.NewGuid():n}");
        Directory.CreateDirectory(temporary);
        try
        {
            using (var file = File.OpenRead(archive))
            using (var content = new GZipStream(file, CompressionMode.Decompress))
                await TarFile.ExtractToDirectoryAsync(content, temporary, true, cancellationToken);
            Directory.Move(Directory.GetDirectories(temporary).Single(), target);
        }
        catch (IOException) when (IsHome(target))
        {
            // Another process was faster.
        }
        finally
        {
            Directory.Delete(temporary, true);
        }
        return target;
    }

    /// <summary>
    /// A home of its own for each server: its data and what Keycloak builds for itself are its own, everything large is the
    /// distribution's, by links.
    /// </summary>
    private static string PrepareHome(KeycloakOptions options, string directory, string cache)
    {
        var home = Path.Combine(directory, "home");
        if (Directory.Exists(home))
        {
            // All but the data is made anew, from a distribution that may have changed.
            foreach (var entry in new DirectoryInfo(home).GetFileSystemInfos().Where(e => e.Name != "data"))
                Remove(entry);
        }
        foreach (var folder in (string[])["bin", "lib", "data/import"])
            Directory.CreateDirectory(Path.Combine(home, folder));
        File.Copy(Path.Combine(options.Home, "bin", "kc.sh"), Path.Combine(home, "bin", "kc.sh"), true);
        foreach (var name in (string[])["conf", "providers", "themes", "version.txt", "lib/lib", "lib/app"])
        {
            if (Path.Exists(Path.Combine(options.Home, name)))
                File.CreateSymbolicLink(Path.Combine(home, name), Path.Combine(options.Home, name));
        }
        File.Copy(Path.Combine(options.Home, "lib", "quarkus-run.jar"), Path.Combine(home, "lib", "quarkus-run.jar"));
        var built = Path.Combine(home, "lib", "quarkus");
        CopyFolder(Directory.Exists(cache) ? cache : Path.Combine(options.Home, "lib", "quarkus"), built);

        var imports = Path.Combine(home, "data", "import");
        foreach (var old in Directory.GetFiles(imports))
            File.Delete(old);
        foreach (var file in options.Imports.SelectMany(i => Directory.Exists(i) ? Directory.GetFiles(i, "*.json") : [i]))
            File.Copy(file, Path.Combine(imports, Path.GetFileName(file)), true);
        return home;
    }

    private static void Remove(FileSystemInfo entry)
    {
        if (entry is DirectoryInfo { LinkTarget: null } folder)
            folder.Delete(true);
        else
            entry.Delete();
    }

    /// <summary>Keeps what the first start built, the longest part of it, for the next server with the same build options.</summary>
    private static void KeepBuild(string built, string cache)
    {
        if (Directory.Exists(cache))
            return;
        var temporary = $"{cache}.{Guid.NewGuid():n}";
        CopyFolder(built, temporary);
        try
        {
            Directory.Move(temporary, cache);
        }
        catch (IOException)
        {
            Directory.Delete(temporary, true);
        }
    }

    private static void CopyFolder(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var file in Directory.GetFiles(from, "*", SearchOption.AllDirectories))
        {
            var target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target, true);
        }
    }

    /// <summary>What of the options Keycloak builds in. A wrong guess costs time only: it builds again when it has to.</summary>
    private static string BuildKey(KeycloakOptions options)
    {
        var variables = options.Environment.Where(v =>
            v.Key.StartsWith("KC_FEATURES", StringComparison.Ordinal) || v.Key is "KC_DB" or "KC_METRICS_ENABLED")
            .OrderBy(v => v.Key, StringComparer.Ordinal).Select(v => $"{v.Key}={v.Value}");
        var text = string.Join('\n', options.Arguments.Concat(variables));
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..16];
    }

    private static IEnumerable<string> Addresses(KeycloakOptions options, int port, int managementPort)
    {
        yield return "--http-host=127.0.0.1";
        yield return string.Create(CultureInfo.InvariantCulture, $"--http-port={port}");
        yield return string.Create(CultureInfo.InvariantCulture, $"--http-management-port={managementPort}");
        yield return "--health-enabled=true";
        // Without it the issuer would follow the Host header of whoever asks.
        if (!options.Environment.ContainsKey("KC_HOSTNAME") && !options.Arguments.Any(a =>
            a.StartsWith("--hostname=", StringComparison.Ordinal)))
            yield return string.Create(CultureInfo.InvariantCulture, $"--hostname=http://{options.HostName}:{port}");
    }

    private static Dictionary<string, string?> Variables(KeycloakOptions options)
    {
        var variables = new Dictionary<string, string?>
        {
            ["KC_BOOTSTRAP_ADMIN_USERNAME"] = options.AdminUserName,
            ["KC_BOOTSTRAP_ADMIN_PASSWORD"] = options.AdminPassword,
            ["JAVA_OPTS_KC_HEAP"] = "-Xms128m -Xmx768m",
            ["JAVA_OPTS_APPEND"] = "-Dquarkus.management.host=127.0.0.1",
        };
        foreach (var (name, value) in options.Environment)
            variables[name] = value;
        return variables;
    }
}
