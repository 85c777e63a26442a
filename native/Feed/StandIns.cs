using System.Xml.Linq;

namespace Platform.Native.Feed;

/// <summary>Our own packages under <c>native/Stand-ins</c>: one project per folder, the folder's name is the package's id.</summary>
internal sealed class StandIns
{
    private readonly Checkout _checkout;
    private readonly Dictionary<string, string> _projects;

    public StandIns(Checkout checkout)
    {
        _checkout = checkout;
        _projects = !Directory.Exists(checkout.StandIns)
            ? []
            : Directory.EnumerateDirectories(checkout.StandIns)
                .Select(folder => (Id: Path.GetFileName(folder), Project: Path.Combine(folder, Path.GetFileName(folder) + ".csproj")))
                .Where(standIn => File.Exists(standIn.Project))
                .ToDictionary(standIn => standIn.Id, standIn => standIn.Project, StringComparer.OrdinalIgnoreCase);
    }

    public IReadOnlyCollection<string> Ids => _projects.Keys;

    /// <summary>Changes with every source file of the project and of the projects it references, and with the shared build files.</summary>
    public string Fingerprint(string id)
    {
        var shared = new[] { _checkout.Root, _checkout.Native, _checkout.StandIns }
            .SelectMany(folder => Directory.EnumerateFiles(folder, "Directory.*"));
        var sources = WithReferences(_projects[id]).Select(Path.GetDirectoryName).SelectMany(folder => SourceFiles(folder!));
        return Stamp.DigestOf(shared.Concat(sources).Order(StringComparer.Ordinal));
    }

    /// <summary>Builds and packs them together, so that what they share is restored and compiled once.</summary>
    public void Pack(IReadOnlyCollection<string> ids, Checkout.Versions versions)
    {
        Directory.CreateDirectory(_checkout.Work);
        var solution = Path.Combine(_checkout.Work, "stand-ins.slnx");
        new XElement("Solution", ids.Select(id => new XElement("Project", new XAttribute("Path", _projects[id])))).Save(solution);
        var output = Path.Combine(_checkout.Work, "packed");
        if (Directory.Exists(output))
            Directory.Delete(output, recursive: true);
        var result = Command.Run(
            "dotnet",
            ["pack", solution, "--configuration", "Release", "--output", output, "--verbosity", "quiet", "-nodeReuse:false"],
            _checkout.Root);
        if (result.ExitCode != 0)
            throw new FeedException($"The stand-ins do not build:\n{result.Report}");
        foreach (var id in ids)
        {
            var file = $"{id}.{versions.Of(id)}.nupkg";
            if (!File.Exists(Path.Combine(output, file)))
                throw new FeedException($"native/Stand-ins/{id} does not make {file}: its PackageId or Version is another.");
            File.Move(Path.Combine(output, file), Path.Combine(_checkout.Feed, file), overwrite: true);
        }
    }

    private static HashSet<string> WithReferences(string project)
    {
        var found = new HashSet<string>();
        var open = new Stack<string>([project]);
        while (open.TryPop(out var next))
        {
            if (!File.Exists(next) || !found.Add(next))
                continue;
            var references = XDocument.Load(next).Descendants("ProjectReference").Attributes("Include");
            foreach (var reference in references)
                open.Push(Path.GetFullPath(reference.Value.Replace('\\', '/'), Path.GetDirectoryName(next)!));
        }
        return found;
    }

    private static IEnumerable<string> SourceFiles(string folder) =>
        Directory.EnumerateFiles(folder).Concat(
            Directory.EnumerateDirectories(folder)
                .Where(sub => Path.GetFileName(sub) is not ("bin" or "obj"))
                .SelectMany(SourceFiles));
}
