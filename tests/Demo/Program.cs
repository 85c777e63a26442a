using Platform.Demo;

using var cancellation = new CancellationTokenSource();
Console.CancelKeyPress += (_, pressed) =>
{
    pressed.Cancel = true;
    cancellation.Cancel();
};

var story = new Story(Console.Out, !Console.IsOutputRedirected);
try
{
    await using var suite = await Suite.OpenAsync(story, cancellation.Token);
    return await MainJob.RunAsync(suite.Endpoints, DatadogReceiver.DefaultIntake, story, cancellation.Token) ? 0 : 1;
}
catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
{
    return 130;
}
catch (Exception exception) when (exception is DemoFailedException or ToolRefusedException)
{
    story.Fail(exception.Message);
    return 1;
}
