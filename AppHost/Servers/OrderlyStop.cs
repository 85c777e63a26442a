using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Platform.AppHost.Servers;

/// <summary>Stops the services before the servers that they need, so that each finishes what it has begun, and at once.</summary>
internal sealed class OrderlyStop(
    DistributedApplicationModel model,
    ResourceCommandService commands,
    ResourceNotificationService notifications
) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) =>
        Task.WhenAll(model.Resources.OfType<ProjectResource>().Select(service => StopAsync(service, cancellationToken)));

    private async Task StopAsync(ProjectResource service, CancellationToken cancellationToken)
    {
        if (notifications.TryGetCurrentState(service.Name, out var current) && current.Snapshot.State?.Text == KnownResourceStates.Running)
        {
            await commands.ExecuteCommandAsync(current.ResourceId, KnownResourceCommands.StopCommand, cancellationToken);
        }
    }
}

internal static class OrderlyStopExtensions
{
    /// <summary>What is added last stops first.</summary>
    public static void StopServicesBeforeServers(this IDistributedApplicationBuilder builder) =>
        builder.Services.AddHostedService<OrderlyStop>();
}
