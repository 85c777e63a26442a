using Microsoft.Extensions.DependencyInjection;

namespace Platform.AppHost.Servers;

/// <summary>
/// Shows a server, and the databases in it, in the state of the process that stands for its container. So a crash shows, and so does a
/// restart.
/// </summary>
/// <param name="process">Null where there is nothing to run.</param>
internal sealed class StateMirror(
    IDistributedApplicationBuilder builder,
    IServiceProvider services,
    ContainerResource server,
    IResource? process
)
{
    private readonly ResourceNotificationService _notifications = services.GetRequiredService<ResourceNotificationService>();

    // What is in the server, such as the databases of PostgreSQL.
    private readonly IReadOnlyList<IResource> _shown =
    [
        server,
        .. builder.Resources.OfType<IResourceWithParent>().Where(child => child.Parent == server),
    ];

    public async Task RunAsync(CancellationToken stopping)
    {
        // Health checks and connection strings wait for these, and for the state.
        await builder.Eventing.PublishAsync(new ResourceEndpointsAllocatedEvent(server, services), stopping);
        foreach (var resource in _shown.Where(resource => resource is IResourceWithConnectionString))
        {
            await builder.Eventing.PublishAsync(new ConnectionStringAvailableEvent(resource, services), stopping);
        }

        if (process is null)
        {
            await ShowAsync(KnownResourceStates.FailedToStart, exitCode: null);
            return;
        }

        string? shown = null;
        await foreach (var change in _notifications.WatchAsync(stopping))
        {
            if (change.Resource == process && change.Snapshot.State?.Text is { } state && state != shown)
            {
                shown = state;
                await ShowAsync(state, change.Snapshot.ExitCode);
            }
        }
    }

    private async Task ShowAsync(string state, int? exitCode)
    {
        foreach (var resource in _shown)
        {
            await _notifications.PublishUpdateAsync(resource, snapshot =>
                snapshot with
                {
                    State = state,
                    ExitCode = exitCode,
                    StartTimeStamp = state == KnownResourceStates.Running ? DateTime.UtcNow : snapshot.StartTimeStamp,
                }
            );
        }
    }
}
