using Platform.ServiceDefaults.Calls;
using Platform.Testing;

namespace Platform.Identity.Tests;

public sealed class ServiceAssertionsTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_assertion_is_kept_for_its_audience_until_shortly_before_it_expires()
    {
        var clock = new TestClock();
        var issued = new List<string>();
        var assertions = new ServiceAssertions(
            (audience, _) =>
            {
                issued.Add(audience);
                return Task.FromResult(new ServiceAssertion($"{audience}-{issued.Count}", clock.GetUtcNow().AddMinutes(5)));
            },
            clock
        );
        Assert.Equal("Bearer directory-1", await AuthorizationAsync(assertions, "directory"));
        clock.Advance(TimeSpan.FromMinutes(4));
        Assert.Equal("Bearer directory-1", await AuthorizationAsync(assertions, "directory"));
        Assert.Equal("Bearer audit-2", await AuthorizationAsync(assertions, "audit"));
        clock.Advance(TimeSpan.FromSeconds(55));
        Assert.Equal("Bearer directory-3", await AuthorizationAsync(assertions, "directory"));
        assertions.Forget("directory");
        Assert.Equal("Bearer directory-4", await AuthorizationAsync(assertions, "directory"));
    }

    [Fact]
    public async Task Of_eight_at_once_one_asks_and_what_failed_is_asked_again()
    {
        var clock = new TestClock();
        var answer = new TaskCompletionSource<ServiceAssertion>();
        var asked = 0;
        var assertions = new ServiceAssertions(
            (_, _) =>
            {
                asked++;
                return asked == 1 ? Task.FromException<ServiceAssertion>(new InvalidOperationException("away")) : answer.Task;
            },
            clock
        );
        await Assert.ThrowsAsync<InvalidOperationException>(() => AuthorizationAsync(assertions, "directory"));
        var calls = Enumerable.Range(0, 8).Select(_ => AuthorizationAsync(assertions, "directory")).ToList();
        answer.SetResult(new ServiceAssertion("fresh", clock.GetUtcNow().AddMinutes(5)));
        Assert.All(await Task.WhenAll(calls), header => Assert.Equal("Bearer fresh", header));
        Assert.Equal(2, asked);
    }

    private static async Task<string?> AuthorizationAsync(ServiceAssertions assertions, string audience) =>
        (await assertions.HeadersAsync(audience, Cancellation)).GetValue("authorization");
}
