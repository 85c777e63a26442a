using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Configuration;
using Platform.ServiceDefaults.Telemetry;

namespace Platform.AppHost.StartUp;

/// <summary>The settings of the AppHost, which all have a rule. Whatever breaks one ends the start before anything is made.</summary>
internal static partial class Settings
{
    public const string EdgePort = "Edge:Port";
    public const string KeycloakPort = "Keycloak:Port";

    // What stands before a star is handed on to a service, which knows the rest.
    private static readonly string[] _ours =
    [
        "Artifacts",
        "Demo:DatadogIntake",
        EdgePort,
        "Edge:Access:*",
        "Edge:Proxies:*",
        "EndpointsFile",
        KeycloakPort,
        "Keycloak:Clients:*",
        "Keycloak:CreateAccounts",
        "Keycloak:RedirectHosts:*",
        "Keycloak:RedirectSchemes:*",
        "Mail:*",
        "PublicUrl",
        "Servers",
        "Servers:Durable",
        "Servers:Keycloak",
    ];

    // Of Aspire and of the host, besides Aspire's switches with a dash such as --log-level. No name of ours has one.
    private static readonly string[] _others =
    [
        "AllowedHosts",
        "AppHost",
        "ApplicationName",
        "Aspire",
        "ConnectionStrings",
        "ContentRoot",
        "Dashboard",
        "DcpPublisher",
        "Environment",
        "Logging",
        "Operation",
        "Parameters",
        "Pipeline",
        "Publisher",
        "Publishing",
        "ResourceNameSuffix",
        "Step",
        "Urls",
    ];

    /// <summary>Refuses wrong values, and names in the AppHost's own sections that nothing reads.</summary>
    /// <param name="args">The command line: on it, any name that nothing reads is refused.</param>
    /// <exception cref="WrongSettingException">Of the first setting that breaks a rule.</exception>
    public static void CheckSettings(this IDistributedApplicationBuilder builder, string[] args)
    {
        var settings = builder.Configuration;
        RefuseUnknown(settings, args);
        OneOf(settings, "Servers", "containers", "local");
        OneOf(settings, "Servers:Keycloak", "distribution", "embedded");
        OneOf(settings, "Servers:Durable", "true", "false");
        OneOf(settings, "Keycloak:CreateAccounts", "true", "false");
        if (settings["PublicUrl"] is { Length: > 0 } url && !IsPublicUrl(url))
        {
            throw Wrong("PublicUrl", url, "an http or https URL without user, query and fragment, such as https://mcp.example.com/mcp");
        }

        if (settings["EndpointsFile"] is { } file && (file.Length == 0 || Path.GetFileName(file) != file))
        {
            throw Wrong("EndpointsFile", file, "the name of a file in the folder Artifacts");
        }

        if (settings.PortOf(EdgePort) is { } edge && edge == settings.PortOf(KeycloakPort))
        {
            throw new WrongSettingException($"The settings {EdgePort} and {KeycloakPort} are both {edge}. They must differ.");
        }
    }

    /// <summary>The port that a setting names; null where it is not set.</summary>
    public static int? PortOf(this IConfiguration settings, string name)
    {
        if (settings[name] is not { Length: > 0 } value)
        {
            return null;
        }

        return int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is >= 1 and <= 65535
            ? port
            : throw Wrong(name, value, "a port from 1 to 65535");
    }

    private static WrongSettingException Wrong(string name, string value, string rule) =>
        new($"The setting {name} is \"{value}\". It must be {rule}.");

    // Whatever its case was, whoever reads it finds it as it is written here.
    private static void OneOf(ConfigurationManager settings, string name, params string[] values)
    {
        if (settings[name] is { Length: > 0 } value)
        {
            settings[name] = values.FirstOrDefault(known => known.Equals(value, StringComparison.OrdinalIgnoreCase))
                ?? throw Wrong(name, value, string.Join(" or ", values));
        }
    }

    private static bool IsPublicUrl(string url) =>
        Uri.TryCreate(url, UriKind.Absolute, out var parsed)
        && parsed is { Scheme: "http" or "https", UserInfo: "", Query: "", Fragment: "" }
        && parsed.Host.Length > 0;

    private static void RefuseUnknown(ConfigurationManager settings, string[] args)
    {
        // A variable of the shell, such as MAIL, can be called like a section.
        var names = _ours
            .Select(Section)
            .Distinct()
            .SelectMany(section => settings.GetSection(section).AsEnumerable())
            .Where(setting => setting.Value is not null && setting.Key.Contains(ConfigurationPath.KeyDelimiter, StringComparison.Ordinal))
            .Select(setting => setting.Key)
            .Concat(
                args.Select(argument => Argument().Match(argument))
                    .Where(match => match.Success)
                    .Select(match => match.Groups[1].Value)
                    .Where(name => !Section(name).Contains('-', StringComparison.Ordinal))
                    .Where(name => !_others.Contains(Section(name), StringComparer.OrdinalIgnoreCase))
            );
        if (names.FirstOrDefault(name => !_ours.Any(known => Covers(known, name))) is { } unknown)
        {
            throw new WrongSettingException(
                $"Nothing reads the setting {unknown}. The AppHost's settings are: {string.Join(", ", _ours)}."
            );
        }
    }

    private static string Section(string name) => name.Split(ConfigurationPath.KeyDelimiter)[0];

    private static bool Covers(string known, string name) =>
        known.EndsWith('*')
            ? name.StartsWith(known[..^1], StringComparison.OrdinalIgnoreCase)
            : name.Equals(known, StringComparison.OrdinalIgnoreCase);

    [GeneratedRegex("^--([^=]+)")]
    private static partial Regex Argument();
}
