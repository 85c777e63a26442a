using Platform.Demo;

namespace Platform.EndToEnd.Tests;

[Collection(TheSuite.Name)]
public sealed class MainJobTests(RunningSuite suite)
{
    [Fact]
    public async Task The_main_job_succeeds_and_its_audit_trail_is_complete()
    {
        var (story, lines) = TestStory.Begin();
        var succeeded = await MainJob.RunAsync(suite.Endpoints, suite.Intake, story, TestContext.Current.CancellationToken);
        lines.AssertNothingFailed();
        Assert.True(succeeded);
    }
}
