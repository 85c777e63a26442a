namespace Platform.Demo.Steps;

/// <summary>What the viewer may not do. Refusals are in the audit trail like everything else.</summary>
internal static class Refusals
{
    public static async Task RunAsync(Endpoints endpoints, CallLog calls, Story story, CancellationToken cancellationToken)
    {
        await using var viewer = await Agent.ConnectAsync(
            endpoints.Mcp,
            "viewer",
            endpoints.Member("viewer").Token,
            calls,
            cancellationToken
        );
        story.Check(
            !(await viewer.ListToolsAsync(cancellationToken)).Contains("create_records"),
            "A viewer is not even shown create_records."
        );
        try
        {
            await viewer.CallAsync("create_organization", new { name = "Not for viewers" }, cancellationToken);
            story.Fail("A viewer created an organization.");
        }
        catch (ToolRefusedException refused) when (refused.Reason != "lost")
        {
            story.Check(true, $"Called all the same, it is refused: {refused.Message}");
        }
    }
}
