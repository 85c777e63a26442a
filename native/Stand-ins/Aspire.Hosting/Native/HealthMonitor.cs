using System.Collections.Concurrent;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Aspire.Hosting.Native;

/// <summary>Runs the health checks of every running resource and raises <see cref="ResourceReadyEvent"/> when one is healthy first.</summary>
internal sealed class HealthMonitor(Orchestrator owner)
{
    private static readonly TimeSpan s_whileUnhealthy = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan s_longUnhealthy = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_whileHealthy = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<IResource, Task> _monitors = new();

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            await foreach (var change in owner.Notifications.WatchAsync(cancellationToken))
            {
                if (change.Snapshot is { State.Text: "Running", Ready: null } && !_monitors.ContainsKey(change.Resource)
                    && IsRunning(change.Resource))
                    _monitors[change.Resource] = MonitorAsync(change.Resource, cancellationToken);
            }
        }
        catch (OperationCanceledException)
        {
            // The application stops.
        }
    }

    private bool IsRunning(IResource resource) =>
        owner.Notifications.States().Any(s =>
            ReferenceEquals(s.Resource, resource) && s.Snapshot.State?.Text == KnownResourceStates.Running);

    private async Task MonitorAsync(IResource resource, CancellationToken cancellationToken)
    {
        try
        {
            Task? ready = null;
            var failures = 0;
            while (IsRunning(resource))
            {
                var healthy = await CheckAsync(resource, cancellationToken);
                if (healthy)
                    ready ??= RaiseReadyAsync(resource, cancellationToken);
                if (ready is not null)
                    await UpdateAsync(resource, s => s with { Ready = ready });
                failures = healthy ? 0 : failures + 1;
                await PauseAsync(resource, healthy ? s_whileHealthy : failures < 60
                    ? s_whileUnhealthy : s_longUnhealthy, cancellationToken);
            }
        }
        catch (OperationCanceledException)
        {
            // The application stops.
        }
        finally
        {
            _monitors.TryRemove(resource, out _);
            // It may have come up again while this monitor was ending; the watcher has passed that over.
            if (!cancellationToken.IsCancellationRequested && IsRunning(resource))
                await UpdateAsync(resource, s => s);
        }
    }

    /// <summary>Waits, but not longer than the resource keeps its state.</summary>
    private async Task PauseAsync(IResource resource, TimeSpan pause, CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(pause);
        try
        {
            await owner.Notifications.WaitForResourceAsync(resource.Name,
                e => e.Snapshot.State?.Text != KnownResourceStates.Running || e.Snapshot.Ready is null
                    && pause == s_whileHealthy, timeout.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // Time for the next check.
        }
    }

    private async Task<bool> CheckAsync(IResource resource, CancellationToken cancellationToken)
    {
        var keys = owner.Notifications.States().Where(s => ReferenceEquals(s.Resource, resource)).SelectMany(s => s.Snapshot.HealthReports)
            .Select(r => r.Name).ToHashSet();
        if (keys.Count == 0)
            return true;
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(TimeSpan.FromSeconds(20));
        HealthReport report;
        try
        {
            report = await owner.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(r =>
                keys.Contains(r.Name), timeout.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
        var now = DateTime.UtcNow;
        await UpdateAsync(resource, s => s with
        {
            HealthReports = [.. s.HealthReports.Select(r => report.Entries.TryGetValue(r.Name, out var entry)
                ? new HealthReportSnapshot(r.Name, entry.Status, entry.Description, entry.Exception?.ToString()) { LastRunAt = now }
                : r)],
        });
        return keys.All(k => report.Entries.TryGetValue(k, out var entry) && entry.Status == HealthStatus.Healthy);
    }

    private async Task RaiseReadyAsync(IResource resource, CancellationToken cancellationToken)
    {
        try
        {
            await owner.Eventing.PublishAsync(new ResourceReadyEvent(resource, owner.Services), cancellationToken);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            owner.Logs.Write(resource.Name, $"A handler of its readiness failed: {e.Message}", true);
            owner.Console.Say(resource.Name, $"a handler of its readiness failed: {e.Message}");
            throw;
        }
    }

    private async Task UpdateAsync(IResource resource, Func<CustomResourceSnapshot, CustomResourceSnapshot> change)
    {
        foreach (var state in owner.Notifications.States().Where(s => ReferenceEquals(s.Resource, resource)))
        {
            await owner.Notifications.PublishUpdateAsync(resource, state.ResourceId,
                s => s.State?.Text == KnownResourceStates.Running ? change(s) : s);
        }
    }
}
