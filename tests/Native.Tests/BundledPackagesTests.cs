using System.IO.Compression;
using System.Xml.Linq;
using Platform.Native.Feed;

namespace Platform.Native.Tests;

public sealed class BundledPackagesTests : IDisposable
{
    private static readonly byte[] Assembly = [0x4d, 0x5a, 1, 2, 3];
    private static readonly byte[] Image = SyntheticBundle.OfLibraries(
        ("Field.Wire", "3.1.0", "Field.Wire.dll", Assembly, []),
        ("Field.Calls", "2.8.0", "Field.Calls.dll", [9], ["Field.Wire"]),
        ("Field.All", "2.8.0", null, [], ["Field.Calls", "Field.Wire"]));

    private readonly TemporaryFolder _folder = new();
    private readonly BundledPackages _packages = new(SingleFileBundle.Read(Image));

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_package_has_the_id_version_and_unchanged_assembly_of_the_bundle()
    {
        using var package = Pack(new PinnedPackage("Field.Wire", "3.1.0", "MIT"));

        var metadata = Metadata(package, "Field.Wire");
        Assert.Equal("Field.Wire", Value(metadata, "id"));
        Assert.Equal("3.1.0", Value(metadata, "version"));
        Assert.Equal("MIT", Value(metadata, "license"));
        Assert.Equal(Assembly, Content(package, "lib/net10.0/Field.Wire.dll"));
    }

    [Fact]
    public void Dependencies_are_those_of_the_bundle_and_of_the_pin()
    {
        using var package = Pack(
            new PinnedPackage("Field.Calls", "2.8.0", "MIT", Dependencies: new Dictionary<string, string> { ["Field.Extra"] = "1.0.0" }));

        Assert.Equal([("Field.Extra", "1.0.0"), ("Field.Wire", "3.1.0")], Dependencies(package, "Field.Calls"));
    }

    [Fact]
    public void A_package_without_assemblies_still_states_its_framework_and_dependencies()
    {
        using var package = Pack(new PinnedPackage("Field.All", "2.8.0", "MIT"));

        Assert.NotNull(package.GetEntry("lib/net10.0/_._"));
        Assert.Equal([("Field.Calls", "2.8.0"), ("Field.Wire", "3.1.0")], Dependencies(package, "Field.All"));
    }

    [Fact]
    public void The_code_generator_reaches_whoever_references_the_package()
    {
        var pinned = new PinnedPackage(
            "Field.All", "2.8.0", "MIT", Dependencies: new Dictionary<string, string> { ["Grpc.Tools"] = "2.85.0" });
        using var package = Pack(pinned);

        var tools = Metadata(package, "Field.All").Descendants().Single(e => (string?)e.Attribute("id") == "Grpc.Tools");
        Assert.Equal("All", (string?)tools.Attribute("include"));
        Assert.Null(tools.Attribute("exclude"));
    }

    [Fact]
    public void A_shared_framework_is_asked_for_where_the_pin_says_so()
    {
        using var package = Pack(new PinnedPackage("Field.Wire", "3.1.0", "MIT", "Microsoft.AspNetCore.App"));

        var reference = Metadata(package, "Field.Wire").Descendants().Single(e => e.Name.LocalName == "frameworkReference");
        Assert.Equal("Microsoft.AspNetCore.App", (string?)reference.Attribute("name"));
    }

    [Theory]
    [InlineData("Field.Wire", "3.1.1")]
    [InlineData("Field.Unknown", "3.1.0")]
    public void What_the_bundle_does_not_have_in_that_version_is_refused(string id, string version) =>
        Assert.Throws<FeedException>(() => _packages.Pack(new PinnedPackage(id, version, "MIT")));

    [Fact]
    public void The_same_input_gives_the_same_bytes()
    {
        var package = _packages.Pack(new PinnedPackage("Field.Calls", "2.8.0", "MIT"));
        package.Write(_folder.Path);
        var first = File.ReadAllBytes(_folder[package.FileName]);

        package.Write(_folder.Path);

        Assert.Equal(first, File.ReadAllBytes(_folder[package.FileName]));
    }

    private ZipArchive Pack(PinnedPackage pinned)
    {
        var package = _packages.Pack(pinned);
        package.Write(_folder.Path);
        return ZipFile.OpenRead(_folder[package.FileName]);
    }

    private static XElement Metadata(ZipArchive package, string id)
    {
        using var stream = package.GetEntry($"{id}.nuspec")!.Open();
        return XElement.Load(stream);
    }

    private static string? Value(XElement metadata, string name) => metadata.Descendants().Single(e => e.Name.LocalName == name).Value;

    private static IEnumerable<(string?, string?)> Dependencies(ZipArchive package, string id) =>
        Metadata(package, id).Descendants().Where(e => e.Name.LocalName == "dependency")
            .Select(e => ((string?)e.Attribute("id"), (string?)e.Attribute("version")));

    private static byte[] Content(ZipArchive package, string path)
    {
        using var stream = package.GetEntry(path)!.Open();
        using var content = new MemoryStream();
        stream.CopyTo(content);
        return content.ToArray();
    }
}
