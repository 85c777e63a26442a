using Platform.Directory.Service.Values;

namespace Platform.Directory.Tests;

public sealed class ValuesTests
{
    [Theory]
    [InlineData("Ada@Example.COM", "ada@example.com")]
    [InlineData("  ada+tag@sub.example.com ", "ada+tag@sub.example.com")]
    [InlineData("o'hara@example.co.uk", "o'hara@example.co.uk")]
    [InlineData("ada@Bücher.example", "ada@xn--bcher-kva.example")]
    [InlineData("a@xn--bcher-kva.example", "a@xn--bcher-kva.example")]
    public void An_address_is_kept_in_lower_case_with_its_domain_in_ascii(string text, string kept)
    {
        Assert.True(EmailAddress.TryNormalize(text, out var address, out _));
        Assert.Equal(kept, address);
    }

    [Theory]
    [InlineData("", "required")]
    [InlineData("ada", "no @")]
    [InlineData("ada@b@example.com", "more than one @")]
    [InlineData("@example.com", "nothing before")]
    [InlineData("ada@", "is empty")]
    [InlineData("ada@example", "no dot")]
    [InlineData("ada lovelace@example.com", "character before the @")]
    [InlineData("\"ada\"@example.com", "character before the @")]
    [InlineData("Ada <ada@example.com>", "character before the @")]
    [InlineData("ada.@example.com", "a dot")]
    [InlineData("a..da@example.com", "a dot")]
    [InlineData("ada@[127.0.0.1]", "character '['")]
    [InlineData("ada@127.0.0.1", "IP address")]
    [InlineData("ada@-example.com", "hyphen")]
    [InlineData("ada@example..com", "part that is empty")]
    [InlineData("ada@exa mple.com", "character ' '")]
    [InlineData("ada@example.com\nbcc:x@example.com", "more than one @")]
    public void What_is_no_address_says_which_rule_it_breaks(string text, string rule)
    {
        Assert.False(EmailAddress.TryNormalize(text, out _, out var broken));
        Assert.Contains(rule, broken, StringComparison.Ordinal);
    }

    [Fact]
    public void Lengths_are_those_of_the_standard()
    {
        var domain = string.Join('.', Enumerable.Repeat(new string('d', 60), 3)) + ".com";
        Assert.True(EmailAddress.TryNormalize($"{new string('l', 64)}@{domain}", out _, out _));
        Assert.False(EmailAddress.TryNormalize($"{new string('l', 65)}@example.com", out _, out _));
        Assert.False(EmailAddress.TryNormalize($"{new string('l', 64)}@a{domain}a.example", out _, out _));
        Assert.True(DomainName.TryNormalize(new string('d', 63) + ".example", out _, out _));
        Assert.False(DomainName.TryNormalize(new string('d', 64) + ".example", out _, out _));
    }

    [Theory]
    [InlineData("Bu\u0308cher.example")]
    [InlineData("ＦＵＬＬ.example")]
    [InlineData("https://example.com")]
    [InlineData("example.com/path")]
    [InlineData("example.com:443")]
    [InlineData("example.com.")]
    [InlineData("*.example.com")]
    [InlineData("a_b.example")]
    public void A_domain_with_two_spellings_or_with_more_than_a_domain_is_refused(string text) =>
        Assert.False(DomainName.TryNormalize(text, out _, out _));
}
