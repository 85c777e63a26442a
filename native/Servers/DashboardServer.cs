using System.Globalization;
using System.Text;

namespace Platform.Native.Servers;

public sealed record DashboardOptions : ServerOptions
{
    /// <summary>The folder with aspire-managed, out of the Aspire CLI's distribution.</summary>
    public required string Directory { get; init; }

    public int? OtlpGrpcPort { get; init; }

    public int? OtlpHttpPort { get; init; }

    /// <summary>What senders of telemetry give as x-otlp-api-key.</summary>
    public string ApiKey { get; init; } = Passwords.Generate();

    /// <summary>What a person gives to sign in, once per browser.</summary>
    public string BrowserToken { get; init; } = Passwords.Generate();

    public string ApplicationName { get; init; } = "Aspire";
}

/// <summary>The genuine Aspire dashboard: traces, logs and metrics over OTLP, kept in memory.</summary>
public sealed class DashboardServer : LocalServer
{
    private DashboardServer(ChildProcess process, int port, DashboardOptions options, int grpc, int http) : base(process, port)
    {
        ApiKey = options.ApiKey;
        BrowserToken = options.BrowserToken;
        OtlpGrpcUrl = $"http://localhost:{grpc}";
        OtlpHttpUrl = $"http://localhost:{http}";
    }

    public string ApiKey { get; }

    public string BrowserToken { get; }

    public string OtlpGrpcUrl { get; }

    public string OtlpHttpUrl { get; }

    /// <summary>The page that signs a browser in.</summary>
    public string LoginUrl => $"http://localhost:{Port}/login?t={BrowserToken}";

    /// <summary>The dashboard's program in a folder, or null.</summary>
    public static string? FindProgram(string directory) =>
        Path.Combine(directory, "aspire-managed") is var program && File.Exists(program) ? program : null;

    /// <summary>Starts the dashboard and returns when its page is served.</summary>
    public static async Task<DashboardServer> StartAsync(DashboardOptions options, CancellationToken cancellationToken = default)
    {
        var program = FindProgram(options.Directory)
            ?? throw new ServerStartException($"There is no Aspire dashboard in {options.Directory}.");
        var home = System.IO.Directory.CreateDirectory(Path.GetFullPath(options.DataDirectory)).FullName;
        var grpc = options.OtlpGrpcPort ?? Ports.Free();
        var http = options.OtlpHttpPort ?? Ports.Free();
        var request = Encoding.ASCII.GetBytes("GET /login HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        var (process, port) = await LaunchAsync("The Aspire dashboard", options with { DataDirectory = home }, port =>
            new ChildProcessOptions
            {
                Name = "The Aspire dashboard",
                FileName = program,
                Arguments = ["dashboard"],
                WorkingDirectory = home,
                ExtraEnvironment = WithoutInherited(Settings(options, home, port, grpc, http)),
                StopGrace = TimeSpan.FromSeconds(3),
            }, async (port, token) =>
            {
                var answer = await ExchangeAsync(port, request, token);
                return Encoding.ASCII.GetString(answer).StartsWith("HTTP/1.1 ", StringComparison.Ordinal);
            }, cancellationToken);
        return new DashboardServer(process, port, options, grpc, http);
    }

    /// <summary>What the launch profile of an AppHost says about the dashboard is meant for the AppHost, and its resource service is not there.</summary>
    private static Dictionary<string, string?> WithoutInherited(Dictionary<string, string?> settings)
    {
        string[] prefixes =
            ["ASPIRE_DASHBOARD_", "ASPIRE_RESOURCE_SERVICE_", "DOTNET_DASHBOARD_", "DOTNET_RESOURCE_SERVICE_", "DASHBOARD__"];
        foreach (var name in Environment.GetEnvironmentVariables().Keys.Cast<string>().Where(n => prefixes.Any(n.StartsWith)))
            settings.TryAdd(name, null);
        return settings;
    }

    private static Dictionary<string, string?> Settings(DashboardOptions options, string home, int port, int grpc, int http) => new()
    {
        ["HOME"] = home,
        ["DOTNET_BUNDLE_EXTRACT_BASE_DIR"] = Path.Combine(home, "extract"),
        ["ASPNETCORE_ENVIRONMENT"] = "Production",
        ["DOTNET_ENVIRONMENT"] = "Production",
        ["ASPNETCORE_URLS"] = string.Create(CultureInfo.InvariantCulture, $"http://localhost:{port}"),
        ["ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL"] = string.Create(CultureInfo.InvariantCulture, $"http://localhost:{grpc}"),
        ["ASPIRE_DASHBOARD_OTLP_HTTP_ENDPOINT_URL"] = string.Create(CultureInfo.InvariantCulture, $"http://localhost:{http}"),
        ["DASHBOARD__APPLICATIONNAME"] = options.ApplicationName,
        ["DASHBOARD__FRONTEND__AUTHMODE"] = "BrowserToken",
        ["DASHBOARD__FRONTEND__BROWSERTOKEN"] = options.BrowserToken,
        ["DASHBOARD__OTLP__AUTHMODE"] = "ApiKey",
        ["DASHBOARD__OTLP__PRIMARYAPIKEY"] = options.ApiKey,
        ["DASHBOARD__API__AUTHMODE"] = "ApiKey",
        ["DASHBOARD__API__PRIMARYAPIKEY"] = options.ApiKey,
        ["DASHBOARD__TELEMETRYLIMITS__MAXTRACECOUNT"] = "10000",
        ["ASPIRE_DASHBOARD_TELEMETRY_OPTOUT"] = "true",
        ["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1",
        ["DOTNET_LAUNCH_PROFILE"] = null,
    };
}
