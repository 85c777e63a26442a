using System.Text.Json;

namespace Platform.Native.Feed;

/// <summary>Where things are in a checkout, and which versions it asks for.</summary>
internal sealed class Checkout(string root)
{
    public string Root { get; } = Path.GetFullPath(root);

    public string Native => Path.Combine(Root, "native");

    public string Feed => Path.Combine(Native, "feed");

    public string StandIns => Path.Combine(Native, "Stand-ins");

    public string Pin => Path.Combine(Native, "Bundle.json");

    /// <summary>The build files at the root, which say what is asked for and where.</summary>
    public IEnumerable<string> BuildFiles => [Path.Combine(Root, "Directory.Packages.props"), Path.Combine(Root, "nuget.config")];

    /// <summary>Where NuGet unpacks packages: as <c>nuget.config</c> sets it, and where the user's environment overrides that.</summary>
    public IEnumerable<string> PackagesFolders =>
        new[] { Path.Combine(Root, "artifacts", "packages"), Environment.GetEnvironmentVariable("NUGET_PACKAGES") }
            .OfType<string>().Where(folder => folder.Length > 0);

    /// <summary>Where the stand-in for Aspire's hosting finds the genuine dashboard, <c>aspire-managed</c>.</summary>
    public string Dashboard => Path.Combine(Root, "artifacts", "native", "dashboard");

    /// <summary>The feed tool's own files; all of them can be deleted at any time.</summary>
    public string Work => Path.Combine(Root, "artifacts", "native-feed");

    /// <summary>The versions of <c>Directory.Packages.props</c>, as MSBuild evaluates them.</summary>
    public Versions ReadVersions()
    {
        var result = Command.Run(
            "dotnet",
            ["msbuild", Path.Combine(Root, "Directory.Packages.props"), "-getItem:PackageVersion", "-getProperty:AspireVersion"],
            Root);
        if (result.ExitCode != 0)
            throw new FeedException($"Directory.Packages.props does not evaluate:\n{result.Report}");
        using var json = JsonDocument.Parse(result.Output);
        var items = json.RootElement.GetProperty("Items").GetProperty("PackageVersion").EnumerateArray();
        return new Versions(
            json.RootElement.GetProperty("Properties").GetProperty("AspireVersion").GetString()!,
            items.ToDictionary(
                item => item.GetProperty("Identity").GetString()!,
                item => item.GetProperty("Version").GetString()!,
                StringComparer.OrdinalIgnoreCase));
    }

    internal sealed record Versions(string Aspire, IReadOnlyDictionary<string, string> Central)
    {
        public string Of(string id) => Central.TryGetValue(id, out var version) ? version : Aspire;
    }
}
