using System.Globalization;
using System.Text;

namespace Platform.Native.Servers;

public sealed record RealmOptions : ServerOptions
{
    /// <summary>The server's program, Platform.Native.Realm.dll.</summary>
    public required string Program { get; init; }

    /// <summary>The dotnet host that runs it.</summary>
    public string Host { get; init; } = "dotnet";

    /// <summary>Realm files, or folders of them, imported at the first start.</summary>
    public IReadOnlyList<string> Imports { get; init; } = [];

    public string AdminUserName { get; init; } = "admin";

    public string AdminPassword { get; init; } = Passwords.Generate();

    public int? ManagementPort { get; init; }

    /// <summary>The server refuses every one but Development.</summary>
    public string EnvironmentName { get; init; } = "Development";

    /// <summary>KC_HOSTNAME, and the values of placeholders in realm files.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>The host name in its own address and so in the issuer, without KC_HOSTNAME.</summary>
    public string HostName { get; init; } = "127.0.0.1";
}

/// <summary>The embedded realm, for development where there is no Keycloak. It keeps its realms in its data directory.</summary>
public sealed class RealmServer : LocalServer
{
    private RealmServer(ChildProcess process, int port, RealmOptions options) : base(process, port) => Url = $"http://{options.HostName}:{port}";

    /// <summary>The public address, which the issuers of its realms begin with unless KC_HOSTNAME says another.</summary>
    public string Url { get; }

    /// <summary>The program as native/prepare builds it, or null.</summary>
    public static string? FindProgram(string checkout) =>
        Path.Combine(checkout, "artifacts", "native", "realm", "Platform.Native.Realm.dll") is var program && File.Exists(program) ? program : null;

    /// <summary>Starts the server and returns when it says that it is ready, with its realms imported.</summary>
    public static async Task<RealmServer> StartAsync(RealmOptions options, CancellationToken cancellationToken = default)
    {
        var directory = Directory.CreateDirectory(Path.GetFullPath(options.DataDirectory)).FullName;
        var managementPort = options.ManagementPort ?? Ports.Free();
        var request = Encoding.ASCII.GetBytes("GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        var (process, port) = await LaunchAsync("The embedded realm", options with { DataDirectory = directory }, port => new ChildProcessOptions
        {
            Name = "The embedded realm",
            FileName = options.Host,
            Arguments =
            [
                options.Program, $"--data={directory}", string.Create(CultureInfo.InvariantCulture, $"--http-port={port}"),
                string.Create(CultureInfo.InvariantCulture, $"--http-management-port={managementPort}"),
                string.Create(CultureInfo.InvariantCulture, $"--hostname=http://{options.HostName}:{port}"), $"--import={string.Join(':', options.Imports)}",
            ],
            WorkingDirectory = directory,
            ExtraEnvironment = Variables(options),
        }, async (port, token) =>
            Encoding.ASCII.GetString(await ExchangeAsync(port, request, token)).StartsWith("HTTP/1.1 200", StringComparison.Ordinal), cancellationToken);
        return new RealmServer(process, port, options);
    }

    private static Dictionary<string, string?> Variables(RealmOptions options)
    {
        var variables = new Dictionary<string, string?>
        {
            ["KC_BOOTSTRAP_ADMIN_USERNAME"] = options.AdminUserName,
            ["KC_BOOTSTRAP_ADMIN_PASSWORD"] = options.AdminPassword,
            // The AppHost's own addresses are not for it.
            ["ASPNETCORE_URLS"] = null,
            ["DOTNET_LAUNCH_PROFILE"] = null,
        };
        foreach (var (name, value) in options.Environment)
            variables[name] = value;
        variables["ASPNETCORE_ENVIRONMENT"] = options.EnvironmentName;
        variables["DOTNET_ENVIRONMENT"] = options.EnvironmentName;
        return variables;
    }
}
