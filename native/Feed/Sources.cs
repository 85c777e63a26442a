using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Platform.Native.Feed;

/// <summary>
/// The package sources that the user has configured, without our own. A search result proves little on a mirror that holds a part
/// of the public packages, so the question is put the way a build puts it: NuGet is asked to download exactly that version.
/// </summary>
internal sealed partial class Sources(Checkout checkout)
{
    /// <returns>Those of <paramref name="wanted"/> that no configured source gives.</returns>
    public IReadOnlySet<string> Missing(IReadOnlyDictionary<string, string> wanted)
    {
        var folder = Path.Combine(checkout.Work, "probe");
        Delete(folder);
        try
        {
            Directory.CreateDirectory(folder);
            WriteProbe(folder, wanted);
            var result = Command.Run("dotnet", ["restore", "probe.csproj", "--verbosity", "quiet"], folder);
            var other = ErrorCode().Matches(result.Output).Select(m => m.Value).Except(["NU1101", "NU1102", "NU1103"]).ToList();
            if (other.Count > 0)
                throw new FeedException($"The configured package sources cannot be asked:\n{result.Report}");
            var missing = wanted.Keys.Where(id => !IsThere(folder, id, wanted[id])).ToHashSet(StringComparer.OrdinalIgnoreCase);
            if (result.ExitCode != 0 && missing.Count == 0)
                throw new FeedException($"Asking the configured package sources failed:\n{result.Report}");
            return missing;
        }
        finally
        {
            Delete(folder);
        }
    }

    private static void WriteProbe(string folder, IReadOnlyDictionary<string, string> wanted)
    {
        // Empty files stop the search for those of the checkout: the probe is to be a project like nobody's.
        foreach (var file in (string[])["Directory.Build.props", "Directory.Build.targets", "Directory.Packages.props"])
            File.WriteAllText(Path.Combine(folder, file), "<Project />");
        new XElement(
            "configuration",
            new XElement("config", Setting("globalPackagesFolder", "packages")),
            new XElement("disabledPackageSources", Setting("native", "true"))).Save(Path.Combine(folder, "nuget.config"));
        new XElement(
            "Project",
            new XAttribute("Sdk", "Microsoft.NET.Sdk"),
            new XElement("PropertyGroup", new XElement("TargetFramework", "net10.0"), new XElement("NuGetAudit", "false")),
            new XElement(
                "ItemGroup",
                wanted.Select(w => new XElement(
                    "PackageDownload", new XAttribute("Include", w.Key), new XAttribute("Version", $"[{w.Value}]")))))
            .Save(Path.Combine(folder, "probe.csproj"));
    }

    // NuGet writes this file last, when a package is complete in its folder.
    private static bool IsThere(string folder, string id, string version) =>
        File.Exists(Path.Combine(folder, "packages", Lower(id), Lower(version), ".nupkg.metadata"));

    private static string Lower(string text) => text.ToLowerInvariant();

    private static XElement Setting(string key, string value) => new("add", new XAttribute("key", key), new XAttribute("value", value));

    private static void Delete(string folder)
    {
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
    }

    [GeneratedRegex(@"(?<=error )[A-Z]+\d+")]
    private static partial Regex ErrorCode();
}
