using System.Text;
using Platform.Native.Feed;

namespace Platform.Native.Tests;

public sealed class SingleFileBundleTests
{
    private static readonly byte[] First = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("first ", 500)));
    private static readonly byte[] Second = [1, 2, 3];

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    [InlineData(40_000)]
    public void Files_are_found_wherever_the_host_has_its_marker(int padding)
    {
        var bundle = SingleFileBundle.Read(SyntheticBundle.Write([("a.dll", First, false), ("b/c.json", Second, false)], padding: padding));

        Assert.Equal(["a.dll", "b/c.json"], bundle.Paths);
        Assert.Equal(First, bundle.Extract("a.dll"));
        Assert.Equal(Second, bundle.Extract("b/c.json"));
    }

    [Fact]
    public void A_compressed_file_comes_out_as_it_went_in()
    {
        var image = SyntheticBundle.Write([("a.dll", First, true), ("b.dll", Second, false)]);

        Assert.True(image.AsSpan().IndexOf(First) < 0);
        Assert.Equal(First, SingleFileBundle.Read(image).Extract("a.dll"));
    }

    [Fact]
    public void A_file_that_is_not_there_is_named_in_the_refusal()
    {
        var bundle = SingleFileBundle.Read(SyntheticBundle.Write([("a.dll", First, false)]));

        Assert.Contains("b.dll", Assert.Throws<FeedException>(() => bundle.Extract("b.dll")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_without_the_marker_is_refused() =>
        Assert.Throws<FeedException>(() => SingleFileBundle.Read(new byte[10_000]));

    [Fact]
    public void A_newer_format_is_refused_instead_of_guessed_at()
    {
        var image = SyntheticBundle.Write([("a.dll", First, false)], SyntheticBundle.Format + 1);

        Assert.Throws<FeedException>(() => SingleFileBundle.Read(image));
    }

    [Fact]
    public void A_manifest_that_is_cut_off_is_refused()
    {
        var image = SyntheticBundle.Write([("a.dll", First, false)]);

        Assert.Throws<FeedException>(() => SingleFileBundle.Read(image[..^4]));
    }
}
