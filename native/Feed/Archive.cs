using System.Formats.Tar;
using System.IO.Compression;

namespace Platform.Native.Feed;

/// <summary>Gzip-compressed tar archives: as a file of its own, or somewhere inside a larger file.</summary>
internal static class Archive
{
    private static ReadOnlySpan<byte> GzipStart => [0x1f, 0x8b, 0x08];

    /// <summary>The content of one file; null where the archive does not have it.</summary>
    /// <exception cref="InvalidDataException">This is no gzip-compressed tar archive.</exception>
    public static byte[]? Extract(Stream archive, string path)
    {
        using var plain = new GZipStream(archive, CompressionMode.Decompress);
        using var tar = new TarReader(plain);
        if (Seek(tar, path) is not { DataStream: { } data } entry)
            return null;
        var content = new byte[entry.Length];
        data.ReadExactly(content);
        return content;
    }

    /// <summary>Writes the files below <paramref name="prefix"/>, without it, with the permissions they have in the archive.</summary>
    public static void ExtractFolder(Stream archive, string prefix, string folder)
    {
        using var plain = new GZipStream(archive, CompressionMode.Decompress);
        using var tar = new TarReader(plain);
        var root = Path.GetFullPath(folder) + Path.DirectorySeparatorChar;
        while (tar.GetNextEntry() is { } entry)
        {
            var name = Normalize(entry.Name);
            if (entry.EntryType is not (TarEntryType.RegularFile or TarEntryType.V7RegularFile) || !IsBelow(name, prefix))
                continue;
            var file = Path.GetFullPath(root + name[(prefix.Length + 1)..]);
            if (!file.StartsWith(root, StringComparison.Ordinal))
                throw new FeedException($"{entry.Name} would be written outside its folder.");
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            entry.ExtractToFile(file, overwrite: true);
        }
    }

    /// <summary>
    /// Where in <paramref name="file"/> an archive starts that has <paramref name="path"/>; null where none does. Looks at every place
    /// where a gzip stream could start, so that nothing depends on how the file was linked. The three bytes occur by chance too; what
    /// starts there is then no gzip stream or no tar archive, and the search goes on.
    /// </summary>
    public static int? FindEmbedded(byte[] file, string path)
    {
        for (var start = 0; start < file.Length; start++)
        {
            var found = file.AsSpan(start).IndexOf(GzipStart);
            if (found < 0)
                return null;
            start += found;
            try
            {
                using var plain = new GZipStream(OpenEmbedded(file, start), CompressionMode.Decompress);
                using var tar = new TarReader(plain);
                if (Seek(tar, path) is not null)
                    return start;
            }
            catch (Exception e) when (e is InvalidDataException or IOException)
            {
                // Not an archive; the next candidate may be one.
            }
        }
        return null;
    }

    public static Stream OpenEmbedded(byte[] file, int start) => new MemoryStream(file, start, file.Length - start, writable: false);

    private static TarEntry? Seek(TarReader tar, string path)
    {
        while (tar.GetNextEntry() is { } entry)
        {
            if (Normalize(entry.Name) == path)
                return entry;
        }
        return null;
    }

    private static bool IsBelow(string name, string prefix) =>
        name.Length > prefix.Length + 1 && name[prefix.Length] == '/' && name.StartsWith(prefix, StringComparison.Ordinal);

    private static string Normalize(string name) => name.StartsWith("./", StringComparison.Ordinal) ? name[2..] : name;
}
