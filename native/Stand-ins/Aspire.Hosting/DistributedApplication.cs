using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Eventing;
using Aspire.Hosting.Lifecycle;
using Aspire.Hosting.Native;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting;

public class DistributedApplication : IHost, IAsyncDisposable
{
    private readonly IHost _host;

    public DistributedApplication(IHost host) => _host = host;

    public IServiceProvider Services => _host.Services;

    public ResourceNotificationService ResourceNotifications => Services.GetRequiredService<ResourceNotificationService>();

    public ResourceCommandService ResourceCommands => Services.GetRequiredService<ResourceCommandService>();

    internal TestingHooks? Testing { get; init; }

    public static IDistributedApplicationBuilder CreateBuilder() => CreateBuilder([]);

    public static IDistributedApplicationBuilder CreateBuilder(string[] args)
    {
        ArgumentNullException.ThrowIfNull(args);
        return new DistributedApplicationBuilder(new DistributedApplicationOptions { Args = args });
    }

    public static IDistributedApplicationBuilder CreateBuilder(DistributedApplicationOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new DistributedApplicationBuilder(options);
    }

    public virtual async Task StartAsync(CancellationToken cancellationToken = default)
    {
        if (Testing is not null)
            await Testing.StartRequested.Task.WaitAsync(cancellationToken);
        await BeforeStartAsync(cancellationToken);
        await _host.StartAsync(cancellationToken);
        if (Services.GetRequiredService<DistributedApplicationExecutionContext>().IsPublishMode)
            await PublishAsync(cancellationToken);
    }

    public virtual Task StopAsync(CancellationToken cancellationToken = default) => _host.StopAsync(cancellationToken);

    /// <summary>Starts the application and returns when it has been stopped, by a signal or by its lifetime service.</summary>
    public virtual async Task RunAsync(CancellationToken cancellationToken = default)
    {
        var lifetime = Services.GetRequiredService<IHostApplicationLifetime>();
        try
        {
            try
            {
                // The host must hear of a signal that comes while the resources still start.
                using var stopping = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, lifetime.ApplicationStopping);
                await StartAsync(stopping.Token);
            }
            catch (OperationCanceledException) when (lifetime.ApplicationStopping.IsCancellationRequested
                || cancellationToken.IsCancellationRequested)
            {
                await _host.StopAsync(CancellationToken.None);
                return;
            }
            catch
            {
                // What has been started by then must not stay behind.
                await _host.StopAsync(CancellationToken.None);
                throw;
            }
            await _host.WaitForShutdownAsync(cancellationToken);
        }
        finally
        {
            await DisposeAsync();
        }
    }

    public void Run() => RunAsync().GetAwaiter().GetResult();

    public virtual void Dispose()
    {
        _host.Dispose();
        GC.SuppressFinalize(this);
    }

    public virtual async ValueTask DisposeAsync()
    {
        if (_host is IAsyncDisposable disposable)
            await disposable.DisposeAsync();
        else
            _host.Dispose();
        GC.SuppressFinalize(this);
    }

    Task IHost.StartAsync(CancellationToken cancellationToken) => StartAsync(cancellationToken);

    Task IHost.StopAsync(CancellationToken cancellationToken) => StopAsync(cancellationToken);

    private async Task PublishAsync(CancellationToken cancellationToken)
    {
        var directory = Services.GetRequiredService<IConfiguration>()["AppHost:Directory"]!;
        Console.WriteLine($"Published the manifest to {await Services.GetRequiredService<ManifestPublisher>().PublishAsync(directory, cancellationToken)}");
        Services.GetRequiredService<IHostApplicationLifetime>().StopApplication();
    }

    private async Task BeforeStartAsync(CancellationToken cancellationToken)
    {
        var eventing = Services.GetRequiredService<IDistributedApplicationEventing>();
        var model = Services.GetRequiredService<DistributedApplicationModel>();
        var context = Services.GetRequiredService<DistributedApplicationExecutionContext>();
        if (context.IsRunMode)
            Services.GetRequiredService<ConsoleReporter>().Announce();
        foreach (var subscriber in Services.GetServices<IDistributedApplicationEventingSubscriber>())
            await subscriber.SubscribeAsync(eventing, context, cancellationToken);
#pragma warning disable CS0618 // The old interface still works, as in the genuine package.
        foreach (var hook in Services.GetServices<IDistributedApplicationLifecycleHook>())
        {
            await hook.BeforeStartAsync(model, cancellationToken);
            eventing.Subscribe<AfterEndpointsAllocatedEvent>((e, token) => hook.AfterEndpointsAllocatedAsync(e.Model, token));
            eventing.Subscribe<AfterResourcesCreatedEvent>((e, token) => hook.AfterResourcesCreatedAsync(e.Model, token));
        }
#pragma warning restore CS0618
        await eventing.PublishAsync(new BeforeStartEvent(Services, model), cancellationToken);
    }
}
