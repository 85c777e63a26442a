using Platform.Identity.Service.Assertions;

namespace Platform.Identity.Tests;

public sealed class AssertionKeyRingTests(IdentityFixture identity) : IClassFixture<IdentityFixture>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_new_key_is_published_before_it_signs_and_the_old_one_after()
    {
        var keys = identity.Get<AssertionKeyRing>();
        await keys.MaintainAsync(Cancellation);
        var first = await SignerAsync(keys);
        Assert.Equal([first], await PublishedAsync(keys));

        identity.Clock.Advance(TimeSpan.FromDays(7) - TimeSpan.FromMinutes(11));
        await keys.MaintainAsync(Cancellation);
        Assert.Equal([first], await PublishedAsync(keys));

        identity.Clock.Advance(TimeSpan.FromMinutes(2));
        await keys.MaintainAsync(Cancellation);
        await keys.MaintainAsync(Cancellation);
        var both = await PublishedAsync(keys);
        Assert.Equal(2, both.Count);
        Assert.Equal(first, await SignerAsync(keys));

        identity.Clock.Advance(TimeSpan.FromMinutes(10));
        var second = await SignerAsync(keys);
        Assert.NotEqual(first, second);
        Assert.Contains(second, both);
        Assert.Equal(both, await PublishedAsync(keys));

        identity.Clock.Advance(TimeSpan.FromMinutes(11));
        await keys.MaintainAsync(Cancellation);
        Assert.Equal([second], await PublishedAsync(keys));
        await using var command = identity.Admin.CreateCommand("select count(*) from identity.assertion_key");
        Assert.Equal(1L, await command.ExecuteScalarAsync(Cancellation));
    }

    [Fact]
    public async Task A_clock_behind_the_one_that_made_the_first_key_signs_all_the_same()
    {
        await identity.Get<AssertionKeyRing>().MaintainAsync(Cancellation);
        var behind = new Platform.Testing.TestClock();
        behind.Advance(-TimeSpan.FromDays(1));
        using var other = new AssertionKeyRing(
            identity.Get<Npgsql.NpgsqlDataSource>(),
            identity.Get<Microsoft.AspNetCore.DataProtection.IDataProtectionProvider>(),
            identity.Get<Microsoft.Extensions.Options.IOptions<AssertionOptions>>(),
            behind
        );
        Assert.NotEmpty(await SignerAsync(other));
    }

    [Fact]
    public async Task Two_replicas_use_one_key()
    {
        using var other = new AssertionKeyRing(
            identity.Get<Npgsql.NpgsqlDataSource>(),
            identity.Get<Microsoft.AspNetCore.DataProtection.IDataProtectionProvider>(),
            identity.Get<Microsoft.Extensions.Options.IOptions<AssertionOptions>>(),
            identity.Clock
        );
        await Task.WhenAll(
            Enumerable.Range(0, 8).Select(i => (i % 2 == 0 ? other : identity.Get<AssertionKeyRing>()).MaintainAsync(Cancellation))
        );
        Assert.Equal(await SignerAsync(identity.Get<AssertionKeyRing>()), await SignerAsync(other));
    }

    [Fact]
    public async Task Only_public_halves_are_served_and_stored_in_the_clear()
    {
        using var http = identity.CreateHttpClient();
        var served = await http.GetStringAsync("/.well-known/assertion-keys", Cancellation);
        Assert.DoesNotContain("\"d\"", served, StringComparison.Ordinal);
        Assert.Contains("\"crv\":\"P-256\"", served, StringComparison.Ordinal);
        await using var command = identity.Admin.CreateCommand("select private_key from identity.assertion_key limit 1");
        using var key = System.Security.Cryptography.ECDsa.Create();
        Assert.ThrowsAny<System.Security.Cryptography.CryptographicException>(() =>
            key.ImportPkcs8PrivateKey((byte[])command.ExecuteScalar()!, out _)
        );
    }

    private static async Task<string> SignerAsync(AssertionKeyRing keys) => (await keys.SigningAsync(Cancellation)).Key.KeyId;

    private static async Task<List<string>> PublishedAsync(AssertionKeyRing keys) =>
        [.. (await keys.PublishedAsync(Cancellation)).Select(key => key.KeyId)];
}
