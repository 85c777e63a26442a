using Microsoft.Extensions.Configuration;

namespace Platform.Identity.EmbeddedRealm;

/// <summary>What the server is told by its command line, in Keycloak's words, and by Keycloak's variables.</summary>
internal sealed record RealmOptions
{
    /// <summary>The only folder that it writes to; the realm's keys are in it.</summary>
    public required string DataDirectory { get; init; }

    public required int Port { get; init; }

    /// <summary>Where <c>/health/ready</c> is answered besides the port; 0 for nowhere.</summary>
    public int ManagementPort { get; init; }

    /// <summary>What the issuers of its realms begin with, whatever a request says its host is.</summary>
    public required string PublicUrl { get; init; }

    /// <summary>Realm files, served when there is no state of that realm yet.</summary>
    public IReadOnlyList<string> Imports { get; init; } = [];

    public string AdminUserName { get; init; } = "";

    /// <summary>Empty: there is no administrator of all realms.</summary>
    public string AdminPassword { get; init; } = "";

    /// <summary>Values of the placeholders in realm files.</summary>
    public IReadOnlyDictionary<string, string> Placeholders { get; init; } = new Dictionary<string, string>();

    public static RealmOptions Read(IConfiguration configuration)
    {
        var port = int.Parse(Required("http-port"), System.Globalization.CultureInfo.InvariantCulture);
        return new RealmOptions
        {
            DataDirectory = Required("data"),
            Port = port,
            ManagementPort = configuration.GetValue("http-management-port", 0),
            PublicUrl = (configuration["KC_HOSTNAME"] ?? configuration["hostname"] ?? $"http://127.0.0.1:{port}").TrimEnd('/'),
            Imports = (configuration["import"] ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries),
            AdminUserName = configuration["KC_BOOTSTRAP_ADMIN_USERNAME"] ?? "admin",
            AdminPassword = configuration["KC_BOOTSTRAP_ADMIN_PASSWORD"] ?? "",
            Placeholders = configuration
                .AsEnumerable()
                .Where(setting => setting.Value is not null)
                .ToDictionary(setting => setting.Key, setting => setting.Value!, StringComparer.Ordinal),
        };

        string Required(string name) =>
            configuration[name] is { Length: > 0 } value
                ? value
                : throw new RealmStartException(
                    $"--{name} is missing. It takes --data, --http-port, and optionally --http-management-port, --hostname and --import."
                );
    }
}

/// <summary>The server cannot or must not run here; the message says why.</summary>
internal sealed class RealmStartException(string message) : Exception(message);
