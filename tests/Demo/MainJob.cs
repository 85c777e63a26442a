using Platform.Demo.Steps;
using Platform.Testing;

namespace Platform.Demo;

/// <summary>The main job, end to end, as an agent and the people behind it do it.</summary>
internal static class MainJob
{
    /// <param name="intake">Where the audit service sends what is for Datadog.</param>
    /// <returns>Whether everything was as it has to be.</returns>
    public static async Task<bool> RunAsync(Endpoints endpoints, Uri intake, Story story, CancellationToken cancellationToken)
    {
        var calls = new CallLog();
        using var browser = new SignInBrowser();
        await using var receiver = await DatadogReceiver.StartAsync(intake, DatadogReceiver.RememberKey());

        story.Chapter($"Sign in at {endpoints.Mcp}");
        await using var agent = await SignIn.RunAsync(endpoints, browser, calls, story, cancellationToken);

        var task = await Goal.BeginAsync(agent, "Show the main job", cancellationToken);

        story.Chapter("Import 3,201 films");
        var movies = await Movie.LoadAsync(story, cancellationToken);
        story.Check(movies.Count == Movie.Expected, $"The data set has {movies.Count} films.");
        var tableId = await MovieImport.RunAsync(agent, movies, task, story, cancellationToken);
        await MovieImport.CheckAsync(agent, tableId, movies, story, cancellationToken);

        story.Chapter("Answer three questions");
        await MovieQuestions.RunAsync(agent, tableId, movies, story, cancellationToken);

        story.Chapter("Create an organization and invite its people");
        var customer = await Customer.CreateAsync(agent, task, story, cancellationToken);
        await customer.InviteAsync(agent, task, story, cancellationToken);
        await Refusals.RunAsync(endpoints, calls, story, cancellationToken);

        story.Chapter($"Stream the audit log to Datadog (here: {intake})");
        var streamId = await AuditStream.OpenAsync(agent, receiver, task, story, cancellationToken);

        story.Chapter("Delete the organization, in two steps");
        await customer.DeleteAsync(agent, task, story, cancellationToken);

        story.Chapter("The audit trail of all of it, as the sink received it");
        await AuditTrail.CheckAsync(calls.Calls, receiver, streamId, redeliveries: false, story, cancellationToken);
        return !story.Failed;
    }
}
