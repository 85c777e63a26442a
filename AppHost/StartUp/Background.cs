using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Platform.AppHost.StartUp;

/// <summary>What the AppHost does beside its resources.</summary>
internal static class Background
{
    /// <summary>
    /// Runs <paramref name="work"/> from before the first resource starts until the application is told to stop. It does nothing while a
    /// deployment is described.
    /// </summary>
    /// <param name="untilStopped">True: it goes on until everything has stopped.</param>
    public static void RunBeside(
        this IDistributedApplicationBuilder builder,
        Func<IServiceProvider, CancellationToken, Task> work,
        bool untilStopped = false
    )
    {
        if (!builder.ExecutionContext.IsRunMode)
        {
            return;
        }

        builder.Eventing.Subscribe<BeforeStartEvent>(
            (starting, cancellationToken) =>
            {
                var lifetime = starting.Services.GetRequiredService<IHostApplicationLifetime>();
                var end = untilStopped ? lifetime.ApplicationStopped : lifetime.ApplicationStopping;
                _ = Task.Run(() => RunAsync(() => work(starting.Services, end), end), CancellationToken.None);
                return Task.CompletedTask;
            }
        );
    }

    private static async Task RunAsync(Func<Task> work, CancellationToken stopping)
    {
        try
        {
            await work();
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The application ends, and nobody looks any more.
        }
        catch (Exception exception)
        {
            await Console.Error.WriteLineAsync($"The AppHost could not finish what it does beside its resources: {exception}");
        }
    }
}
