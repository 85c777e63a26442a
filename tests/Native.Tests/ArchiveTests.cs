using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using Platform.Native.Feed;

namespace Platform.Native.Tests;

public sealed class ArchiveTests : IDisposable
{
    private static readonly byte[] Noise = [0x1f, 0x8b, 0x08, 0x00, 0x99, 0x1f, 0x8b, 0x08, 0xff, 0xff];
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void An_embedded_archive_is_found_behind_bytes_that_only_look_like_one()
    {
        byte[] file = [.. Noise, .. Gzip("no tar in here"u8.ToArray()), .. Tar(("x", "other")), .. Tar(("./dir/a", "wanted")), .. Noise];

        var start = Archive.FindEmbedded(file, "dir/a");

        Assert.NotNull(start);
        Assert.Equal("wanted"u8.ToArray(), Archive.Extract(Archive.OpenEmbedded(file, start.Value), "dir/a"));
    }

    [Fact]
    public void A_file_without_the_wanted_archive_has_none()
    {
        byte[] file = [.. Noise, .. Tar(("x", "other")), .. Noise];

        Assert.Null(Archive.FindEmbedded(file, "dir/a"));
    }

    [Fact]
    public void A_folder_is_unpacked_without_its_prefix_and_keeps_its_permissions()
    {
        var archive = Tar(("dir/run", "program"), ("dir/sub/b", "b"), ("dirt/c", "not below dir"), ("other/d", "d"));

        Archive.ExtractFolder(new MemoryStream(archive), "dir", _folder.Path);

        Assert.Equal(
            ["run", "sub/b"],
            Directory.EnumerateFiles(_folder.Path, "*", SearchOption.AllDirectories)
                .Select(f => Path.GetRelativePath(_folder.Path, f)).Order(StringComparer.Ordinal));
        Assert.Equal("program", File.ReadAllText(_folder["run"]));
        if (!OperatingSystem.IsWindows())
            Assert.True(File.GetUnixFileMode(_folder["run"]).HasFlag(UnixFileMode.UserExecute));
    }

    [Fact]
    public void Nothing_is_written_outside_the_folder()
    {
        var archive = Tar(("dir/../../escaped", "x"));

        Assert.Throws<FeedException>(() => Archive.ExtractFolder(new MemoryStream(archive), "dir", _folder["inner", "deep"]));
        Assert.Empty(Directory.EnumerateFiles(_folder.Path, "escaped", SearchOption.AllDirectories));
    }

    private static byte[] Tar(params (string Name, string Content)[] files)
    {
        using var plain = new MemoryStream();
        using (var writer = new TarWriter(plain, TarEntryFormat.Ustar, leaveOpen: true))
        {
            foreach (var (name, content) in files)
            {
                writer.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, name)
                {
                    DataStream = new MemoryStream(Encoding.UTF8.GetBytes(content)),
                    Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute,
                });
            }
        }
        return Gzip(plain.ToArray());
    }

    private static byte[] Gzip(byte[] content)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest))
            gzip.Write(content);
        return packed.ToArray();
    }
}
