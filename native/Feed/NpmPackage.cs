using System.Security.Cryptography;

namespace Platform.Native.Feed;

/// <summary>Fetches a package with the user's npm, so that its registry, proxy and cache apply, and trusts only the pinned bytes.</summary>
internal static class NpmPackage
{
    /// <returns>The path of the verified archive in <paramref name="folder"/>.</returns>
    public static string Fetch(PinnedNpmPackage pin, string folder)
    {
        Directory.CreateDirectory(folder);
        var result = Command.Run(
            "npm", ["pack", $"{pin.Package}@{pin.Version}", "--pack-destination", folder, "--ignore-scripts", "--loglevel=error"], folder);
        var file = result.ExitCode == 0 ? result.Output.Trim().Split('\n')[^1].Trim() : "";
        if (file.Length == 0 || !File.Exists(Path.Combine(folder, file)))
            throw new FeedException($"npm does not give {pin.Package} {pin.Version}:\n{result.Report}");
        var archive = Path.Combine(folder, file);
        Verify(archive, pin.Integrity);
        return archive;
    }

    /// <exception cref="FeedException">The file is not the pinned one. It is deleted, so that nothing can use it by mistake.</exception>
    public static void Verify(string archive, string integrity)
    {
        string actual;
        using (var stream = File.OpenRead(archive))
            actual = "sha512-" + Convert.ToBase64String(SHA512.HashData(stream));
        if (actual == integrity)
            return;
        File.Delete(archive);
        throw new FeedException($"{Path.GetFileName(archive)} is not the file that is pinned: it has {actual}, expected is {integrity}.");
    }
}
