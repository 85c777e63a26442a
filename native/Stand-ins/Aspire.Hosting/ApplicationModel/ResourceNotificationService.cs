using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Aspire.Hosting.ApplicationModel;

public sealed class ResourceNotificationServiceOptions
{
    public WaitBehavior DefaultWaitBehavior { get; set; }
}

/// <summary>The states of all resources, now and as they change.</summary>
public class ResourceNotificationService : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(IResource Resource, string Id), ResourceEvent> _states = [];
    private readonly List<ChannelWriter<ResourceEvent>> _watchers = [];
    private readonly CancellationToken _stopping;
    private readonly WaitBehavior _defaultWaitBehavior = WaitBehavior.StopOnResourceUnavailable;

    public ResourceNotificationService(ILogger<ResourceNotificationService> logger, IHostApplicationLifetime hostApplicationLifetime)
    {
        ArgumentNullException.ThrowIfNull(logger);
        ArgumentNullException.ThrowIfNull(hostApplicationLifetime);
        _stopping = hostApplicationLifetime.ApplicationStopping;
    }

    public ResourceNotificationService(ILogger<ResourceNotificationService> logger, IHostApplicationLifetime hostApplicationLifetime,
        IServiceProvider serviceProvider, ResourceLoggerService resourceLoggerService) : this(logger, hostApplicationLifetime)
    {
        ArgumentNullException.ThrowIfNull(resourceLoggerService);
        _defaultWaitBehavior = serviceProvider.GetService<IOptions<ResourceNotificationServiceOptions>>()?.Value.DefaultWaitBehavior
            ?? WaitBehavior.StopOnResourceUnavailable;
    }

    public Task PublishUpdateAsync(IResource resource, Func<CustomResourceSnapshot, CustomResourceSnapshot> stateFactory)
    {
        ArgumentNullException.ThrowIfNull(resource);
        return PublishUpdateAsync(resource, resource.Name, stateFactory);
    }

    public Task PublishUpdateAsync(IResource resource, string resourceId, Func<CustomResourceSnapshot, CustomResourceSnapshot> stateFactory)
    {
        ArgumentNullException.ThrowIfNull(resource);
        ArgumentNullException.ThrowIfNull(stateFactory);
        lock (_lock)
        {
            var previous = _states.TryGetValue((resource, resourceId), out var known) ? known.Snapshot : Initial(resource);
            var next = new ResourceEvent(resource, resourceId, stateFactory(previous));
            _states[(resource, resourceId)] = next;
            foreach (var watcher in _watchers)
                watcher.TryWrite(next);
        }
        return Task.CompletedTask;
    }

    public bool TryGetCurrentState(string resourceId, [NotNullWhen(true)] out ResourceEvent? resourceEvent)
    {
        lock (_lock)
        {
            resourceEvent = _states.FirstOrDefault(s => string.Equals(s.Key.Id, resourceId, StringComparison.OrdinalIgnoreCase)).Value
                ?? _states.FirstOrDefault(s => string.Equals(s.Key.Resource.Name, resourceId, StringComparison.OrdinalIgnoreCase)).Value;
            return resourceEvent is not null;
        }
    }

    public async IAsyncEnumerable<ResourceEvent> WatchAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var channel = Channel.CreateUnbounded<ResourceEvent>();
        lock (_lock)
        {
            foreach (var state in _states.Values)
                channel.Writer.TryWrite(state);
            _watchers.Add(channel.Writer);
        }
        try
        {
            await foreach (var change in channel.Reader.ReadAllAsync(cancellationToken))
                yield return change;
        }
        finally
        {
            lock (_lock)
                _watchers.Remove(channel.Writer);
        }
    }

    public Task WaitForResourceAsync(string resourceName, string? targetState = null, CancellationToken cancellationToken = default) =>
        WaitForResourceAsync(resourceName, [targetState ?? KnownResourceStates.Running], cancellationToken);

    public async Task<string> WaitForResourceAsync(string resourceName, IEnumerable<string> targetStates,
        CancellationToken cancellationToken = default)
    {
        var wanted = targetStates.ToHashSet(StringComparer.OrdinalIgnoreCase);
        var found = await WaitForResourceAsync(resourceName, e =>
            e.Snapshot.State?.Text is { } state && wanted.Contains(state), cancellationToken);
        return found.Snapshot.State!.Text;
    }

    public async Task<ResourceEvent> WaitForResourceAsync(
        string resourceName, Func<ResourceEvent, bool> predicate, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(predicate);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stopping);
        await foreach (var change in WatchAsync(either.Token))
        {
            if (string.Equals(change.Resource.Name, resourceName, StringComparison.OrdinalIgnoreCase) && predicate(change))
                return change;
        }
        throw new OperationCanceledException($"The operation was cancelled before the resource '{resourceName}' met the predicate condition.");
    }

    public Task<ResourceEvent> WaitForResourceHealthyAsync(string resourceName, CancellationToken cancellationToken = default) =>
        WaitForResourceHealthyAsync(resourceName, _defaultWaitBehavior, cancellationToken);

    public async Task<ResourceEvent> WaitForResourceHealthyAsync(
        string resourceName, WaitBehavior waitBehavior, CancellationToken cancellationToken = default)
    {
        var change = await WaitForResourceAsync(resourceName, e =>
            e.Snapshot.HealthStatus == HealthStatus.Healthy && e.Snapshot.Ready is not null
            || waitBehavior == WaitBehavior.StopOnResourceUnavailable && IsUnavailable(e.Snapshot), cancellationToken);
        if (IsUnavailable(change.Snapshot))
            throw new DistributedApplicationException($"Stopped waiting for resource '{resourceName}' to become healthy because it failed to start.");
        await change.Snapshot.Ready!.WaitAsync(cancellationToken);
        return change;
    }

    /// <summary>Waits as the WaitFor calls on the resource say; throws when a dependency can no longer come.</summary>
    public async Task WaitForDependenciesAsync(IResource resource, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(resource);
        if (resource.Annotations.OfType<WaitAnnotation>().Any())
            await PublishUpdateAsync(resource, s => s with { State = KnownResourceStates.Waiting });
        await WaitForAllAsync(resource, cancellationToken);
    }

    public void Dispose()
    {
        lock (_lock)
        {
            foreach (var watcher in _watchers)
                watcher.TryComplete();
        }
        GC.SuppressFinalize(this);
    }

    internal Task WaitForAllAsync(IResource resource, CancellationToken cancellationToken) =>
        Task.WhenAll(resource.Annotations.OfType<WaitAnnotation>().ToList().Select(w => WaitForAsync(w, cancellationToken)));

    internal IReadOnlyList<ResourceEvent> States()
    {
        lock (_lock)
            return [.. _states.Values];
    }

    /// <summary>Drops the state under a resource's own name once its replicas have states of their own.</summary>
    internal void Forget(IResource resource, string resourceId)
    {
        lock (_lock)
            _states.Remove((resource, resourceId));
    }

    private static bool IsUnavailable(CustomResourceSnapshot snapshot) =>
        snapshot.State?.Text is { } state && (state == KnownResourceStates.FailedToStart || state == KnownResourceStates.RuntimeUnhealthy
            || state == KnownResourceStates.Exited || state == KnownResourceStates.Finished);

    private static CustomResourceSnapshot Initial(IResource resource) =>
        resource.Annotations.OfType<ResourceSnapshotAnnotation>().LastOrDefault()?.InitialSnapshot ?? new CustomResourceSnapshot
        {
            ResourceType = resource.GetType().Name.Replace("Resource", "", StringComparison.Ordinal),
            Properties = ImmutableArray<ResourcePropertySnapshot>.Empty,
            CreationTimeStamp = DateTime.UtcNow,
        };

    private async Task WaitForAsync(WaitAnnotation wait, CancellationToken cancellationToken)
    {
        var name = wait.Resource.Name;
        var behavior = wait.WaitBehavior ?? _defaultWaitBehavior;
        if (wait.WaitType == WaitType.WaitForCompletion)
        {
            var end = await WaitForResourceAsync(name, e => e.Snapshot.State?.Text is { } state
                && KnownResourceStates.TerminalStates.Contains(state), cancellationToken);
            if (end.Snapshot.State!.Text == KnownResourceStates.FailedToStart)
                throw new DistributedApplicationException($"Dependency resource '{name}' failed to start.");
            if (end.Snapshot.ExitCode is { } code && code != wait.ExitCode)
                throw new DistributedApplicationException($"Resource '{name}' has entered the '{end.Snapshot.State.Text}' state with exit code '{code}', expected '{wait.ExitCode}'.");
            return;
        }

        var started = await WaitForResourceAsync(name, e =>
            e.Snapshot.State?.Text == KnownResourceStates.Running
            && (wait.WaitType == WaitType.WaitUntilStarted || e.Snapshot.HealthStatus == HealthStatus.Healthy
                && e.Snapshot.Ready is not null)
            || behavior == WaitBehavior.StopOnResourceUnavailable && IsUnavailable(e.Snapshot), cancellationToken);
        if (IsUnavailable(started.Snapshot))
            throw new DistributedApplicationException($"Dependency resource '{name}' has entered the '{started.Snapshot.State!.Text}' state.");
        if (wait.WaitType == WaitType.WaitUntilHealthy)
            await started.Snapshot.Ready!.WaitAsync(cancellationToken);
    }
}
