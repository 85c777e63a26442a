using Platform.Identity.Contracts;

namespace Platform.Identity.Tests;

public sealed class PersonalTokenFormatTests
{
    // Its checksum was computed with another implementation of CRC-32.
    private const string Known = "plt_abcdefghijklmnopqrstuvwxyzABCD3wiIFE";

    [Fact]
    public void A_checksum_is_the_one_that_others_compute() => Assert.True(PersonalToken.IsWellFormed(Known));

    [Fact]
    public void New_tokens_are_well_formed_and_never_the_same()
    {
        var tokens = Enumerable.Range(0, 2000).Select(_ => PersonalToken.Create()).ToHashSet();
        Assert.Equal(2000, tokens.Count);
        Assert.All(tokens, token => Assert.True(PersonalToken.IsWellFormed(token)));
        Assert.All(tokens, token => Assert.StartsWith("plt_", token, StringComparison.Ordinal));
    }

    [Fact]
    public void Any_one_wrong_character_is_noticed()
    {
        for (var i = 0; i < Known.Length; i++)
        {
            foreach (var other in "09azAZ-_ é".Where(other => other != Known[i]))
            {
                Assert.False(PersonalToken.IsWellFormed(Known[..i] + other + Known[(i + 1)..]), $"{i} {other}");
            }
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("plt_")]
    [InlineData("plt_short")]
    [InlineData("plt_abcdefghijklmnopqrstuvwxyzABCD3wiIFEx")]
    [InlineData("eyJhbGciOiJub25lIn0.e30.")]
    public void What_is_no_personal_token_is_told_apart(string text) => Assert.False(PersonalToken.IsWellFormed(text));

    [Fact]
    public void A_hash_is_sha_256_of_the_whole_token() =>
        Assert.Equal(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.ASCII.GetBytes(Known)), PersonalToken.Hash(Known));
}
