using System.Globalization;
using System.Reflection;
using Microsoft.Extensions.Configuration;
using Platform.Native.Servers;

namespace Aspire.Hosting.Native;

/// <summary>Where native mode keeps its files and how it behaves; configuration section "Native".</summary>
internal sealed class NativeSettings
{
    public const string EmbeddedKeycloak = "embedded";
    public const string GenuineKeycloak = "genuine";

    public NativeSettings(IConfiguration configuration, string appHostDirectory, Assembly? assembly, string applicationName,
        TestingHooks? testing)
    {
        var section = configuration.GetSection("Native");
        Root = FindRoot(appHostDirectory);
        var artifacts = section["Artifacts"] is { Length: > 0 } given ? Path.GetFullPath(given, Root) : Path.Combine(Root, "artifacts");
        Artifacts = artifacts;
        Data = Path.Combine(artifacts, "native", applicationName);
        Logs = Path.Combine(artifacts, "logs");
        Dashboard = section["Dashboard"] ?? Path.Combine(Root, "artifacts", "native", "dashboard");
        IsTesting = testing is not null;
        // Two runs from one checkout, a test beside ./start, must not share a server's data.
        if (IsTesting && section["Artifacts"] is null)
        {
            var run = $"test-{Environment.ProcessId}-{Guid.NewGuid().ToString("n")[..8]}";
            Data = Path.Combine(artifacts, "native", run);
            Logs = Path.Combine(artifacts, "logs", run);
            DeleteDataAtEnd = true;
        }
        RestartCrashed = section.GetValue("RestartCrashed", true);
        RandomizePorts = configuration.GetValue("DcpPublisher:RandomizePorts", false);
        Durable = section.GetValue("Durable", true);
        Keycloak = section["Keycloak"] is { Length: > 0 } keycloak ? keycloak : "any";
        if (Keycloak is not ("any" or EmbeddedKeycloak or GenuineKeycloak))
            throw new DistributedApplicationException($"Native:Keycloak is '{Keycloak}'; it can be any, {EmbeddedKeycloak} or {GenuineKeycloak}.");
        Console = section["Console"] ?? (IsTesting ? "none" : "all");
        Configuration = Path.GetFileName(Path.GetDirectoryName(Path.GetDirectoryName(assembly?.Location))) is { Length: > 0 } name
            ? name : "Debug";
    }

    /// <summary>The checkout that the AppHost is in.</summary>
    public string Root { get; }

    public string Artifacts { get; }

    /// <summary>A folder per resource.</summary>
    public string Data { get; }

    public string Logs { get; }

    /// <summary>The unpacked dashboard of the Aspire CLI.</summary>
    public string Dashboard { get; }

    public bool IsTesting { get; }

    public bool DeleteDataAtEnd { get; }

    /// <summary>Whether what ends by itself with an error is started again. Aspire's own orchestrator does not.</summary>
    public bool RestartCrashed { get; }

    /// <summary>Whether fixed ports of the model are replaced by free ones, so that tests do not meet.</summary>
    public bool RandomizePorts { get; }

    /// <summary>Off only in tests whose data may be lost.</summary>
    public bool Durable { get; }

    /// <summary>
    /// What an AddKeycloak becomes: "any" a genuine Keycloak where there is one, else the embedded realm; "embedded" that one in any case;
    /// "genuine" never that one.
    /// </summary>
    public string Keycloak { get; }

    /// <summary>What goes to the console besides states: "all" lines of projects, or "none".</summary>
    public string Console { get; }

    /// <summary>The build configuration whose output is run, the AppHost's own.</summary>
    public string Configuration { get; }

    /// <summary>A test that was killed could not delete its data.</summary>
    public void DeleteDataOfDeadTests()
    {
        foreach (var parent in (string[])[Path.Combine(Artifacts, "native"), Path.Combine(Artifacts, "logs")])
        {
            if (!DeleteDataAtEnd || !Directory.Exists(parent))
                continue;
            foreach (var folder in Directory.GetDirectories(parent, "test-*"))
            {
                if (int.TryParse(Path.GetFileName(folder).Split('-')[1], CultureInfo.InvariantCulture, out var process)
                    && !Signals.IsAlive(process))
                    Directory.Delete(folder, true);
            }
        }
    }

    private static string FindRoot(string appHostDirectory)
    {
        for (var directory = new DirectoryInfo(appHostDirectory); directory is not null; directory = directory.Parent)
        {
            if (Path.Exists(Path.Combine(directory.FullName, ".git")) || directory.EnumerateFiles("*.sln*").Any())
                return directory.FullName;
        }
        return appHostDirectory;
    }
}
