using System.Text.Json;

namespace Platform.Native.Feed;

/// <summary>What <c>native/Bundle.json</c> pins: one npm package by checksum, and the NuGet packages that are inside it.</summary>
/// <param name="Npm">The npm package.</param>
/// <param name="Launcher">The executable in it, which carries an archive.</param>
/// <param name="Folder">The folder in that archive that holds the Aspire dashboard.</param>
/// <param name="Bundle">The single-file application in that folder; the assemblies are in it.</param>
/// <param name="Packages">What is taken out of it, where the configured sources lack it.</param>
internal sealed record Pin(PinnedNpmPackage Npm, string Launcher, string Folder, string Bundle, IReadOnlyList<PinnedPackage> Packages)
{
    public static Pin Read(string file) =>
        JsonSerializer.Deserialize<Pin>(File.ReadAllBytes(file), JsonSerializerOptions.Web)
        ?? throw new FeedException($"{file} is empty.");
}

/// <summary><paramref name="Integrity"/> is written as npm writes it: <c>sha512-</c> and the digest in base64.</summary>
internal sealed record PinnedNpmPackage(string Package, string Version, string Integrity);

/// <summary>
/// A NuGet package whose assembly is in the bundle. <paramref name="Dependencies"/> adds what the bundle's own list no longer tells:
/// packages that a self-contained application does not carry because the shared framework has them, and build-time packages.
/// </summary>
internal sealed record PinnedPackage(
    string Id, string Version, string License, string? Framework = null, IReadOnlyDictionary<string, string>? Dependencies = null);
