using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace Platform.Native.Feed;

/// <summary>
/// The files inside a .NET single-file application. Format: dotnet/designs, accepted/2020/single-file/bundler.md.
/// The host finds its manifest by the eight bytes in front of a fixed signature; so does this reader.
/// </summary>
internal sealed class SingleFileBundle
{
    private const uint NewestMajorKnown = 6;

    // SHA-256 of ".net core bundle\n", the marker that the SDK compiles into every single-file host.
    private static ReadOnlySpan<byte> Signature =>
    [
        0x8b, 0x12, 0x02, 0xb9, 0x6a, 0x61, 0x20, 0x38, 0x72, 0x7b, 0x93, 0x02, 0x14, 0xd7, 0xa0, 0x32,
        0x13, 0xf5, 0xb9, 0xe6, 0xef, 0xae, 0x33, 0x18, 0xee, 0x3b, 0x2d, 0xce, 0x24, 0xb3, 0x6a, 0xae,
    ];

    private readonly byte[] _image;
    private readonly Dictionary<string, Entry> _entries;

    private SingleFileBundle(byte[] image, Dictionary<string, Entry> entries)
    {
        _image = image;
        _entries = entries;
    }

    public IReadOnlyCollection<string> Paths => _entries.Keys;

    /// <exception cref="FeedException">The image is no single-file application, or one of a format this reader does not know.</exception>
    public static SingleFileBundle Read(byte[] image)
    {
        var signature = image.AsSpan().IndexOf(Signature);
        var header = signature < sizeof(long) ? 0 : BinaryPrimitives.ReadInt64LittleEndian(image.AsSpan(signature - sizeof(long)));
        if (header <= 0 || header >= image.Length)
            throw new FeedException("This is not a .NET single-file application: there is no bundle header in it.");
        try
        {
            using var reader = new BinaryReader(new MemoryStream(image) { Position = header }, Encoding.UTF8);
            return new SingleFileBundle(image, ReadManifest(reader).ToDictionary(entry => entry.Path, StringComparer.Ordinal));
        }
        catch (EndOfStreamException e)
        {
            throw new FeedException("The manifest of the single-file application is cut off.", e);
        }
    }

    public byte[] Extract(string path)
    {
        if (!_entries.TryGetValue(path, out var entry))
            throw new FeedException($"The bundle has no file {path}.");
        var stored = entry.CompressedSize == 0 ? entry.Size : entry.CompressedSize;
        if (entry.Offset < 0 || stored < 0 || entry.Offset + stored > _image.Length)
            throw new FeedException($"{path} lies outside the bundle.");
        if (entry.CompressedSize == 0)
            return _image.AsSpan((int)entry.Offset, (int)entry.Size).ToArray();
        var content = new byte[entry.Size];
        using var deflated = new DeflateStream(
            new MemoryStream(_image, (int)entry.Offset, (int)entry.CompressedSize), CompressionMode.Decompress);
        deflated.ReadExactly(content);
        return content;
    }

    private static IEnumerable<Entry> ReadManifest(BinaryReader reader)
    {
        var major = reader.ReadUInt32();
        _ = reader.ReadUInt32();
        if (major is 0 or > NewestMajorKnown)
            throw new FeedException($"The bundle has format {major}; this reader knows 1 to {NewestMajorKnown}.");
        var count = reader.ReadInt32();
        _ = reader.ReadString();
        // From format 2 on: offset and size of deps.json and of runtimeconfig.json, and flags.
        if (major >= 2)
            _ = reader.ReadBytes(5 * sizeof(long));
        for (var i = 0; i < count; i++)
        {
            var offset = reader.ReadInt64();
            var size = reader.ReadInt64();
            var compressed = major >= 6 ? reader.ReadInt64() : 0;
            _ = reader.ReadByte();
            yield return new Entry(offset, size, compressed, reader.ReadString());
        }
    }

    private readonly record struct Entry(long Offset, long Size, long CompressedSize, string Path);
}
