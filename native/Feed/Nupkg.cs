using System.IO.Compression;
using System.Text;
using System.Xml.Linq;

namespace Platform.Native.Feed;

/// <summary>A NuGet package made of given assemblies. The same input gives the same bytes.</summary>
internal sealed record Nupkg(
    string Id, string Version, string License, string? Framework, IReadOnlyDictionary<string, string> Dependencies,
    IReadOnlyDictionary<string, byte[]> Files)
{
    private const string TargetFramework = "net10.0";
    private static readonly XNamespace Nuspec = "http://schemas.microsoft.com/packaging/2013/05/nuspec.xsd";
    private static readonly DateTimeOffset Epoch = new(2000, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public string FileName => $"{Id}.{Version}.nupkg";

    public void Write(string folder)
    {
        // Written aside and moved: a restore that runs at the same time never sees half a package.
        var file = Path.Combine(folder, FileName);
        var partial = file + ".partial";
        using (var zip = new ZipArchive(File.Create(partial), ZipArchiveMode.Create))
        {
            Add(zip, "[Content_Types].xml", Encoding.UTF8.GetBytes(ContentTypes()));
            Add(zip, "_rels/.rels", Encoding.UTF8.GetBytes(Relationships()));
            Add(zip, $"{Id}.nuspec", Encoding.UTF8.GetBytes(Manifest().ToString()));
            foreach (var (path, content) in Files.OrderBy(f => f.Key, StringComparer.Ordinal))
                Add(zip, path, content);
        }
        File.Move(partial, file, overwrite: true);
    }

    private static void Add(ZipArchive zip, string path, byte[] content)
    {
        var entry = zip.CreateEntry(path, CompressionLevel.Fastest);
        entry.LastWriteTime = Epoch;
        using var stream = entry.Open();
        stream.Write(content);
    }

    private XElement Manifest() => new(
        Nuspec + "package",
        new XElement(
            Nuspec + "metadata",
            new XElement(Nuspec + "id", Id),
            new XElement(Nuspec + "version", Version),
            new XElement(Nuspec + "authors", Id),
            new XElement(Nuspec + "description", $"{Id} {Version}, unchanged assemblies, packed again for a package source that lacks it."),
            new XElement(Nuspec + "license", new XAttribute("type", "expression"), License),
            new XElement(
                Nuspec + "dependencies",
                new XElement(
                    Nuspec + "group",
                    new XAttribute("targetFramework", TargetFramework),
                    Dependencies.OrderBy(d => d.Key, StringComparer.Ordinal).Select(Dependency))),
            Framework is null
                ? null
                : new XElement(
                    Nuspec + "frameworkReferences",
                    new XElement(
                        Nuspec + "group",
                        new XAttribute("targetFramework", TargetFramework),
                        new XElement(Nuspec + "frameworkReference", new XAttribute("name", Framework))))));

    // Grpc.AspNetCore passes the code generator on to whoever references it; NuGet excludes build files unless told otherwise.
    private static XElement Dependency(KeyValuePair<string, string> dependency) => new(
        Nuspec + "dependency",
        new XAttribute("id", dependency.Key),
        new XAttribute("version", dependency.Value),
        dependency.Key == "Grpc.Tools" ? new XAttribute("include", "All") : new XAttribute("exclude", "Build,Analyzers"));

    private string ContentTypes()
    {
        XNamespace ns = "http://schemas.openxmlformats.org/package/2006/content-types";
        var extensions = Files.Keys.Select(f => Path.GetExtension(f).TrimStart('.')).Append("nuspec").Distinct();
        return new XElement(
            ns + "Types",
            Default(ns, "rels", "application/vnd.openxmlformats-package.relationships+xml"),
            extensions.Order(StringComparer.Ordinal).Select(e => Default(ns, e, "application/octet"))).ToString();
    }

    private string Relationships()
    {
        XNamespace ns = "http://schemas.openxmlformats.org/package/2006/relationships";
        return new XElement(
            ns + "Relationships",
            new XElement(
                ns + "Relationship",
                new XAttribute("Type", "http://schemas.microsoft.com/packaging/2010/07/manifest"),
                new XAttribute("Target", $"/{Id}.nuspec"),
                new XAttribute("Id", "manifest"))).ToString();
    }

    private static XElement Default(XNamespace ns, string extension, string type) => new(
        ns + "Default", new XAttribute("Extension", extension), new XAttribute("ContentType", type));
}
