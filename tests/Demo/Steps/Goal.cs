namespace Platform.Demo.Steps;

/// <summary>What the agent is about: every write names it, so that the whole run can be summed up and undone.</summary>
internal static class Goal
{
    /// <returns>The id of the task.</returns>
    public static async Task<string> BeginAsync(Agent agent, string goal, CancellationToken cancellationToken)
    {
        var begun = await agent.CallUntilAnsweredAsync(
            "begin_task",
            new { goal, idempotencyKey = Guid.CreateVersion7().ToString("N") },
            cancellationToken
        );
        return begun.GetProperty("taskId").GetString()!;
    }
}
