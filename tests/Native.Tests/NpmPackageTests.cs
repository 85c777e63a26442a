using System.Security.Cryptography;
using Platform.Native.Feed;

namespace Platform.Native.Tests;

public sealed class NpmPackageTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void An_archive_with_the_pinned_checksum_is_accepted()
    {
        var archive = _folder.Write("package.tgz", "genuine");

        NpmPackage.Verify(archive, Integrity("genuine"u8));

        Assert.True(File.Exists(archive));
    }

    [Fact]
    public void An_archive_with_another_checksum_is_refused_and_does_not_stay()
    {
        var archive = _folder.Write("package.tgz", "tampered");

        var refusal = Assert.Throws<FeedException>(() => NpmPackage.Verify(archive, Integrity("genuine"u8)));

        Assert.Contains(Integrity("tampered"u8), refusal.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(archive));
    }

    private static string Integrity(ReadOnlySpan<byte> content) => "sha512-" + Convert.ToBase64String(SHA512.HashData(content));
}
