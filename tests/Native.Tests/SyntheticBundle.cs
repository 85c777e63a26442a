using System.Buffers.Binary;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Platform.Native.Tests;

/// <summary>Writes single-file applications the way the SDK does, small ones: host, files, manifest.</summary>
internal static class SyntheticBundle
{
    public const uint Format = 6;

    /// <param name="files">Path, content, and whether it is stored compressed.</param>
    /// <param name="format">The manifest's major version.</param>
    /// <param name="padding">Bytes in front of the marker, as a host of another size would have.</param>
    public static byte[] Write(IReadOnlyList<(string Path, byte[] Content, bool Compressed)> files, uint format = Format, int padding = 777)
    {
        using var image = new MemoryStream();
        image.Write(new byte[padding]);
        var header = (int)image.Length;
        image.Write(new byte[sizeof(long)]);
        image.Write(SHA256.HashData(".net core bundle\n"u8));
        image.Write(new byte[100]);

        var entries = new List<(string Path, long Offset, long Size, long Compressed)>();
        foreach (var (path, content, compressed) in files)
        {
            var offset = image.Length;
            if (compressed)
            {
                using var deflate = new DeflateStream(image, CompressionLevel.Optimal, leaveOpen: true);
                deflate.Write(content);
            }
            else
                image.Write(content);
            entries.Add((path, offset, content.Length, compressed ? image.Length - offset : 0));
        }

        var manifest = image.Length;
        using (var writer = new BinaryWriter(image, Encoding.UTF8, leaveOpen: true))
        {
            writer.Write(format);
            writer.Write(0u);
            writer.Write(entries.Count);
            writer.Write("bundle-id");
            writer.Write(new byte[5 * sizeof(long)]);
            foreach (var (path, offset, size, compressed) in entries)
            {
                writer.Write(offset);
                writer.Write(size);
                writer.Write(compressed);
                writer.Write((byte)1);
                writer.Write(path);
            }
        }
        var bytes = image.ToArray();
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(header), manifest);
        return bytes;
    }

    /// <summary>A bundle of libraries with the list that names their packages.</summary>
    public static byte[] OfLibraries(
        params (string Id, string Version, string? Assembly, byte[] Content, string[] Dependencies)[] libraries)
    {
        var target = libraries.ToDictionary(
            library => $"{library.Id}/{library.Version}",
            library => new
            {
                dependencies = library.Dependencies.ToDictionary(d => d, d => libraries.Single(l => l.Id == d).Version),
                runtime = library.Assembly is null
                    ? []
                    : new Dictionary<string, object> { [$"lib/net10.0/{library.Assembly}"] = new { assemblyVersion = "1.0.0.0" } },
            });
        var list = JsonSerializer.SerializeToUtf8Bytes(new
        {
            runtimeTarget = new { name = "net10.0/linux-x64" },
            targets = new Dictionary<string, object> { ["net10.0"] = new { }, ["net10.0/linux-x64"] = target },
        });
        return Write(
        [
            ("app.deps.json", list, false),
            .. libraries.Where(l => l.Assembly is not null).Select(l => (l.Assembly!, l.Content, true)),
        ]);
    }
}
