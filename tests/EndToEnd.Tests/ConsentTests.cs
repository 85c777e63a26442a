using Platform.Demo;
using Platform.Demo.Steps;
using Platform.Testing;

namespace Platform.EndToEnd.Tests;

[Collection(TheSuite.Name)]
public sealed class ConsentTests(RunningSuite suite)
{
    [Fact]
    public async Task Saying_no_on_the_consent_page_ends_in_access_denied()
    {
        suite.RequireIssuer();
        using var browser = new SignInBrowser();
        var thrown = await Assert.ThrowsAnyAsync<Exception>(async () =>
            await Agent.ConnectAsync(
                suite.Endpoints.Mcp,
                "refused",
                SignIn.As(suite.Endpoints.Owner, browser, null, consent: false),
                new CallLog(),
                TestContext.Current.CancellationToken
            )
        );
        for (var inner = thrown; inner is not null; inner = inner.InnerException)
        {
            if (inner is SignInRefusedException refused)
            {
                Assert.Equal("access_denied", refused.Error);
                return;
            }
        }

        Assert.Fail($"It failed otherwise: {thrown}");
    }
}
