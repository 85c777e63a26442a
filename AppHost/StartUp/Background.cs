using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Platform.AppHost.StartUp;

/// <summary>
/// What the AppHost does beside its resources. When it fails, nobody could trust what the start says, so the application ends.
/// </summary>
internal static class Background
{
    /// <summary>
    /// Runs <paramref name="work"/> from before the first resource starts, when the model is complete, until the application is told to
    /// stop. It does nothing while a deployment is described.
    /// </summary>
    /// <param name="untilStopped">True: it goes on until everything has stopped.</param>
    public static void RunBeside(
        this IDistributedApplicationBuilder builder,
        Func<IServiceProvider, CancellationToken, Task> work,
        bool untilStopped = false
    )
    {
        if (builder.ExecutionContext.IsRunMode)
        {
            builder.Services.AddSingleton<IHostedService>(services => new Work(services, work, untilStopped));
        }
    }

    private sealed class Work(IServiceProvider services, Func<IServiceProvider, CancellationToken, Task> work, bool untilStopped)
        : IHostedLifecycleService
    {
        // Before any hosted service starts, the orchestrator among them.
        public Task StartingAsync(CancellationToken cancellationToken)
        {
            var lifetime = services.GetRequiredService<IHostApplicationLifetime>();
            _ = Task.Run(
                () => RunAsync(lifetime, untilStopped ? lifetime.ApplicationStopped : lifetime.ApplicationStopping),
                CancellationToken.None
            );
            return Task.CompletedTask;
        }

        public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        private async Task RunAsync(IHostApplicationLifetime lifetime, CancellationToken end)
        {
            try
            {
                await work(services, end);
            }
            catch (OperationCanceledException) when (end.IsCancellationRequested)
            {
                // The application ends, and nobody looks any more.
            }
            catch (Exception exception) when (!end.IsCancellationRequested)
            {
                await Console.Error.WriteLineAsync(
                    $"The AppHost ends, because it could not finish what it does beside its resources: {exception}"
                );
                Environment.ExitCode = 1;
                lifetime.StopApplication();
            }
        }
    }
}
