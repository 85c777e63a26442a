using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Platform.Native.Feed;

/// <summary>What the last run saw and made. As long as both still hold there is nothing to do.</summary>
/// <param name="Inputs">Digest of everything the sources' answers depend on.</param>
/// <param name="Made">The packages in the feed, by id.</param>
internal sealed record Stamp(string Inputs, IReadOnlyDictionary<string, Stamp.Package> Made)
{
    public static Stamp None { get; } = new("", new Dictionary<string, Package>());

    /// <summary>No stamp, or one that is not readable, is the same as never having run.</summary>
    public static Stamp Read(string file)
    {
        try
        {
            return File.Exists(file) ? JsonSerializer.Deserialize<Stamp>(File.ReadAllBytes(file)) ?? None : None;
        }
        catch (JsonException)
        {
            return None;
        }
    }

    public void Write(string file)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllBytes(file, JsonSerializer.SerializeToUtf8Bytes(this));
    }

    /// <summary>Covers the pin, the versions asked for, the stand-ins there are, the NuGet configuration in force, and this tool.</summary>
    public static string Digest(Checkout checkout, IEnumerable<string> standIns)
    {
        var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        var user = new[] { Path.Combine(home, ".nuget", "NuGet"), Path.Combine(home, ".config", "NuGet") };
        var configurations = user.Where(Directory.Exists)
            .SelectMany(folder => Directory.EnumerateFiles(folder, "*.*", SearchOption.AllDirectories))
            .Where(file => Path.GetExtension(file).Equals(".config", StringComparison.OrdinalIgnoreCase));
        string[] own = [checkout.Pin, .. checkout.BuildFiles, typeof(Stamp).Assembly.Location];
        return DigestOf([.. own, .. configurations.Order(StringComparer.Ordinal)])
            + string.Concat(standIns.Order(StringComparer.Ordinal).Select(id => " " + id));
    }

    public static string DigestOf(params IEnumerable<string> files)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var file in files)
        {
            hash.AppendData(Encoding.UTF8.GetBytes(file));
            hash.AppendData(SHA256.HashData(File.ReadAllBytes(file)));
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <param name="Version">The package's version.</param>
    /// <param name="Source">Digest of what it was made of.</param>
    internal sealed record Package(string Version, string Source);
}
