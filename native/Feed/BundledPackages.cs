using System.Text.Json;

namespace Platform.Native.Feed;

/// <summary>Packs assemblies of the bundle again, with the ids, versions and dependencies that its own <c>deps.json</c> states.</summary>
internal sealed class BundledPackages
{
    private readonly SingleFileBundle _bundle;
    private readonly Dictionary<string, Library> _libraries;

    public BundledPackages(SingleFileBundle bundle)
    {
        _bundle = bundle;
        var path = bundle.Paths.SingleOrDefault(p => p.EndsWith(".deps.json", StringComparison.Ordinal))
            ?? throw new FeedException("The bundle does not list its packages: it has no deps.json.");
        _libraries = ReadLibraries(bundle.Extract(path));
    }

    /// <exception cref="FeedException">The bundle has another version of it, or does not have it.</exception>
    public Nupkg Pack(PinnedPackage pinned)
    {
        if (!_libraries.TryGetValue(pinned.Id, out var library) || library.Version != pinned.Version)
            throw new FeedException($"The bundle has {pinned.Id} {library?.Version ?? "not at all"}, pinned is {pinned.Version}.");
        var dependencies = new Dictionary<string, string>(library.Dependencies, StringComparer.OrdinalIgnoreCase);
        foreach (var (id, version) in pinned.Dependencies ?? new Dictionary<string, string>())
            dependencies[id] = version;
        var files = library.Assemblies.ToDictionary(path => path, path => _bundle.Extract(Path.GetFileName(path)));
        // NuGet takes a package without assemblies for one of no framework; this marker says that it has nothing to add.
        if (files.Count == 0)
            files["lib/net10.0/_._"] = [];
        return new Nupkg(pinned.Id, pinned.Version, pinned.License, pinned.Framework, dependencies, files);
    }

    private static Dictionary<string, Library> ReadLibraries(byte[] dependencies)
    {
        using var json = JsonDocument.Parse(dependencies);
        var target = json.RootElement.GetProperty("runtimeTarget").GetProperty("name").GetString()!;
        var libraries = new Dictionary<string, Library>(StringComparer.OrdinalIgnoreCase);
        foreach (var entry in json.RootElement.GetProperty("targets").GetProperty(target).EnumerateObject())
        {
            var slash = entry.Name.IndexOf('/', StringComparison.Ordinal);
            libraries[entry.Name[..slash]] = new Library(
                entry.Name[(slash + 1)..],
                Children(entry.Value, "dependencies").ToDictionary(d => d.Name, d => d.Value.GetString()!),
                [.. Children(entry.Value, "runtime").Select(file => file.Name)]);
        }
        return libraries;
    }

    private static JsonElement.ObjectEnumerator Children(JsonElement element, string name) =>
        element.TryGetProperty(name, out var children) ? children.EnumerateObject() : default;

    private sealed record Library(string Version, IReadOnlyDictionary<string, string> Dependencies, IReadOnlyList<string> Assemblies);
}
