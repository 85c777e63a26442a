using Platform.Directory.Contracts;

namespace Platform.Directory.Tests;

public sealed class ShownNameTests
{
    [Theory]
    [InlineData("Booking.com")]
    [InlineData("Dr. Ångström & Söhne (Köln)")]
    [InlineData("חברה בע\"מ (2024)")]
    [InlineData("शर्मा और क्\u200Dष")]
    [InlineData("می\u200Cخواهم")]
    [InlineData("👩\u200D👩\u200D👧\u200D👦 Team")]
    [InlineData("Nguyê\u0303n")]
    public void An_ordinary_name_stays_as_it_is(string name) => Assert.Equal(name, ShownName.Of(name, ""));

    [Theory]
    [InlineData("", "")]
    [InlineData("\u200B\u00AD\uFEFF", "")]
    [InlineData("\u200D\u0301", "")]
    [InlineData("\u3164\u2800", "")]
    [InlineData("  Ada \t Lovelace\n", "Ada Lovelace")]
    [InlineData("Ada\u2066\u202E\u200E\u061C", "Ada")]
    [InlineData("\uDB40\uDC41Ada", "Ada")]
    [InlineData("Z\u0335\u0322\u0489\u0335\u0322\u0489", "Z\u0335\u0322\u0489\u0335")]
    public void What_is_not_seen_is_left_out(string name, string shown) => Assert.Equal(shown, ShownName.Clean(name));

    [Fact]
    public void A_long_name_is_cut_between_characters()
    {
        const string Family = "👩\u200D👧";
        var name = string.Concat(Enumerable.Repeat(Family, 80));
        Assert.Equal(name, ShownName.Of(name, ""));
        Assert.Equal(name + "…", ShownName.Of(name + Family, ""));
        Assert.Equal(name + Family, ShownName.Clean(name + Family));
    }
}
