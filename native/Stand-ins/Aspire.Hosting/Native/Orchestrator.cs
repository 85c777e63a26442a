using System.Collections.Immutable;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Eventing;
using Microsoft.Extensions.Hosting;
using Platform.Native.Servers;

namespace Aspire.Hosting.Native;

/// <summary>Starts every resource of the model in the order it asks for, watches them, and stops them in reverse.</summary>
internal sealed class Orchestrator(
    DistributedApplicationModel model,
    IDistributedApplicationEventing eventing,
    ResourceNotificationService notifications,
    ResourceLoggerService logs,
    DistributedApplicationExecutionContext execution,
    NativeSettings settings,
    ConsoleReporter console,
    IServiceProvider services) : IHostedService, IAsyncDisposable
{
    // Ten seconds for everything, with a second in hand for the kernel.
    private static readonly TimeSpan s_stopDeadline = TimeSpan.FromSeconds(9);

    // How long a program is kept from ending by another that uses it.
    private static readonly TimeSpan s_patience = TimeSpan.FromMilliseconds(250);

    private readonly CancellationTokenSource _stopping = new();
    private readonly List<ResourceRun> _runs = [];
    private readonly List<TcpProxy> _proxies = [];
    private int _sequence;
    private Task? _stop;

    public DistributedApplicationModel Model => model;

    public IDistributedApplicationEventing Eventing => eventing;

    public ResourceNotificationService Notifications => notifications;

    public ResourceLoggerService Logs => logs;

    public DistributedApplicationExecutionContext Execution => execution;

    public NativeSettings Settings => settings;

    public ConsoleReporter Console => console;

    public IServiceProvider Services => services;

    public CancellationToken Stopping => _stopping.Token;

    public bool IsStopping => _stopping.IsCancellationRequested;

    public int NextSequence() => Interlocked.Increment(ref _sequence);

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var resources = model.Resources.ToList();
        settings.DeleteDataOfDeadTests();
        _ = new HealthMonitor(this).RunAsync(_stopping.Token);
        foreach (var resource in resources)
        {
            await notifications.PublishUpdateAsync(resource, Initial);
            await eventing.PublishAsync(new InitializeResourceEvent(resource, eventing, logs, notifications, services), cancellationToken);
        }

        foreach (var resource in resources)
            AllocateEndpoints(resource);
        foreach (var resource in resources.OfType<IResourceWithEndpoints>().Where(r => r.HasAnnotationOfType<EndpointAnnotation>()))
            await eventing.PublishAsync(new ResourceEndpointsAllocatedEvent(resource, services), cancellationToken);
        await eventing.PublishAsync(new AfterEndpointsAllocatedEvent(services, model), cancellationToken);

        foreach (var resource in resources.Where(IsProcess))
        {
            for (var replica = 0; replica < resource.GetReplicaCount(); replica++)
                _runs.Add(new ResourceRun(this, resource, replica));
        }
        var starts = _runs.Select(r => r.StartAsync(cancellationToken))
            .Concat(resources.Where(r => !IsProcess(r)).Select(r => StartPlainAsync(r, cancellationToken))).ToList();
        await Task.WhenAll(starts);
        await eventing.PublishAsync(new AfterResourcesCreatedEvent(services, model), cancellationToken);
    }

    public Task StopAsync(CancellationToken cancellationToken) => _stop ??= StopAllAsync();

    public async ValueTask DisposeAsync()
    {
        await StopAsync(CancellationToken.None);
        _stopping.Dispose();
    }

    /// <summary>Something waits for its end, so its end is no crash.</summary>
    public bool IsJob(IResource resource) => model.Resources.SelectMany(r => r.Annotations.OfType<WaitAnnotation>())
        .Any(w => w.WaitType == WaitType.WaitForCompletion && ReferenceEquals(w.Resource, resource));

    public async Task PublishConnectionStringsAsync(IResource resource, CancellationToken cancellationToken)
    {
        var family = model.Resources.Where(r =>
            ReferenceEquals(r, resource) || r is IResourceWithParent child && ReferenceEquals(child.Parent, resource));
        foreach (var member in family.OfType<IResourceWithConnectionString>().ToList())
            await eventing.PublishAsync(new ConnectionStringAvailableEvent(member, services), cancellationToken);
    }

    private static bool IsProcess(IResource resource) =>
        resource is ProjectResource or ExecutableResource or ContainerResource || resource.HasAnnotationOfType<NativeServerAnnotation>();

    private static CustomResourceSnapshot Initial(CustomResourceSnapshot snapshot) =>
        snapshot.State is null ? snapshot with { State = KnownResourceStates.NotStarted } : snapshot;

    private async Task StartPlainAsync(IResource resource, CancellationToken cancellationToken)
    {
        switch (resource)
        {
            case ParameterResource parameter:
                await StartParameterAsync(parameter);
                break;
            case ConnectionStringResource:
                await StartConnectionStringAsync(resource, cancellationToken);
                break;
            case IResourceWithParent child:
                _ = MirrorAsync(resource, child.Parent);
                break;
        }
    }

    private async Task StartParameterAsync(ParameterResource parameter)
    {
        string state;
        try
        {
            _ = parameter.Value;
            state = KnownResourceStates.Running;
        }
        catch (MissingParameterValueException e)
        {
            state = KnownResourceStates.ValueMissing;
            console.Say(parameter.Name, e.Message);
        }
        await notifications.PublishUpdateAsync(parameter, s => s with { State = state });
    }

    private async Task StartConnectionStringAsync(IResource resource, CancellationToken cancellationToken)
    {
        try
        {
            await eventing.PublishAsync(new BeforeResourceStartedEvent(resource, services), cancellationToken);
            await notifications.WaitForDependenciesAsync(resource, cancellationToken);
            await PublishConnectionStringsAsync(resource, cancellationToken);
            await notifications.PublishUpdateAsync(resource, s => s with { State = KnownResourceStates.Running });
        }
        catch (DistributedApplicationException e)
        {
            logs.Write(resource.Name, e.Message, true);
            await notifications.PublishUpdateAsync(resource, s => s with { State = KnownResourceStates.FailedToStart });
        }
    }

    /// <summary>A child without a process of its own, such as a database, is in the state of its parent.</summary>
    private async Task MirrorAsync(IResource child, IResource parent)
    {
        try
        {
            await foreach (var change in notifications.WatchAsync(_stopping.Token))
            {
                if (!ReferenceEquals(change.Resource, parent) || change.Snapshot.State is not { } state)
                    continue;
                await notifications.PublishUpdateAsync(child, s => s.State?.Text == state.Text ? s : s.Entering(child, state.Text));
            }
        }
        catch (OperationCanceledException)
        {
            // The application stops.
        }
    }

    /// <summary>
    /// Gives every endpoint its port. One process listens on the public port itself; several stand behind a proxy, each on a port of
    /// its own.
    /// </summary>
    private void AllocateEndpoints(IResource resource)
    {
        var replicas = resource.GetReplicaCount();
        var isServer = resource.HasAnnotationOfType<NativeServerAnnotation>();
        foreach (var endpoint in resource.Annotations.OfType<EndpointAnnotation>())
        {
            var port = settings.RandomizePorts && endpoint.IsProxied ? Ports.Free() : endpoint.Port ?? Ports.Free();
            var target = isServer || resource is ContainerResource ? null : endpoint.TargetPort;
            endpoint.ProcessPorts = replicas > 1 ? [.. Enumerable.Range(0, replicas).Select(_ => Ports.Free())] : [target ?? port];
            // Local servers listen on IPv4; the name localhost would make clients try IPv6 first.
            var host = isServer && endpoint.UriScheme is not ("http" or "https") ? "127.0.0.1" : KnownHostNames.Localhost;
            if (replicas > 1 || endpoint.ProcessPorts[0] != port)
                _proxies.Add(new TcpProxy(port, endpoint.ProcessPorts));
            endpoint.AllocatedEndpoint = new AllocatedEndpoint(endpoint, host, port);
        }
    }

    private async Task StopAllAsync()
    {
        await _stopping.CancelAsync();
        var all = StopInOrderAsync();
        if (await Task.WhenAny(all, Task.Delay(s_stopDeadline)) != all)
        {
            foreach (var run in _runs)
                run.Kill();
            await Task.WhenAny(all, Task.Delay(TimeSpan.FromSeconds(1)));
        }
        foreach (var proxy in _proxies)
            proxy.Dispose();
        if (settings.DeleteDataAtEnd && Directory.Exists(settings.Data))
            Directory.Delete(settings.Data, true);
    }

    /// <summary>
    /// Programs first, in the reverse of the order in which they came up, then the servers that they use. One that is slow to end does not
    /// hold up the next for long: each has to have its own time to end in order within the deadline.
    /// </summary>
    private async Task StopInOrderAsync()
    {
        var stops = new Dictionary<ResourceRun, Task>();
        foreach (var isServer in (bool[])[false, true])
        {
            var runs = _runs.Where(r => r.Resource.HasAnnotationOfType<NativeServerAnnotation>() == isServer).OrderByDescending(r => r.Sequence);
            foreach (var run in runs.ToList())
            {
                var users = Task.WhenAll(stops.Where(s => Uses(s.Key.Resource, run.Resource)).Select(s => s.Value));
                await Task.WhenAny(users, Task.Delay(s_patience));
                stops[run] = run.StopAsync(true);
            }
            await Task.WhenAll(stops.Values);
        }
    }

    private static bool Uses(IResource user, IResource used)
    {
        var direct = user.Annotations.OfType<ResourceRelationshipAnnotation>().Select(r => r.Resource)
            .Concat(user.Annotations.OfType<WaitAnnotation>().Select(w => w.Resource));
        return direct.Any(r => ReferenceEquals(r, used) || r is IResourceWithParent child && ReferenceEquals(child.Parent, used))
            || used.Name == DashboardResources.Name && user.HasAnnotationOfType<OtlpExporterAnnotation>();
    }
}

internal static class SnapshotExtensions
{
    /// <summary>The snapshot in another state; health is unknown again and readiness has to be reached again.</summary>
    public static CustomResourceSnapshot Entering(this CustomResourceSnapshot snapshot, IResource resource, string state) => snapshot with
    {
        State = new ResourceStateSnapshot(state, Style(state)),
        HealthReports = Unknown(resource),
        Ready = null,
    };

    public static ImmutableArray<HealthReportSnapshot> Unknown(IResource resource) =>
        [.. resource.Annotations.OfType<HealthCheckAnnotation>().Select(a => new HealthReportSnapshot(a.Key, null, null, null))];

    private static string? Style(string state) =>
        state == KnownResourceStates.Running ? KnownResourceStateStyles.Success
        : state == KnownResourceStates.FailedToStart || state == KnownResourceStates.Exited ? KnownResourceStateStyles.Error
        : null;
}
