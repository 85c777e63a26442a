using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Platform.AppHost.StartUp;

internal static class Running
{
    /// <summary>Runs until it is told to stop, which is no failure before everything has started either.</summary>
    public static void RunUntilStopped(this DistributedApplication application)
    {
        var lifetime = application.Services.GetRequiredService<IHostApplicationLifetime>();
        try
        {
            application.Run();
        }
        catch (OperationCanceledException) when (lifetime.ApplicationStopping.IsCancellationRequested)
        {
            Console.WriteLine("Stopped before everything was up.");
        }
    }

    /// <summary>What Aspire itself says about a start that failed.</summary>
    public static string? DescribeOrchestration(Exception exception) =>
        exception switch
        {
            DistributedApplicationException => exception.Message,
            AggregateException several => DescribeOrchestration(several.InnerExceptions[0]),
            HttpRequestException or TimeoutException => $"the orchestrator (dcp) does not answer: {exception.Message}",
            _ => exception.InnerException is { } cause ? DescribeOrchestration(cause) : null,
        };
}
