using System.Collections.Immutable;
using System.Diagnostics;
using System.Security.Cryptography;
using Aspire.Hosting.ApplicationModel;
using Platform.Native.Servers;

namespace Aspire.Hosting.Native;

/// <summary>One process of the application: a server, an executable, or a replica of a project, over all its restarts.</summary>
internal sealed class ResourceRun : IDisposable
{
    private static readonly TimeSpan s_longestBackoff = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_stable = TimeSpan.FromMinutes(1);

    private readonly Orchestrator _owner;
    private readonly int _replica;
    private readonly string _suffix = RandomNumberGenerator.GetString("abcdefghjkmnpqrstuvwxyz", 8);
    private readonly SemaphoreSlim _gate = new(1);
    private Launched? _launched;
    private bool _dataIsFresh;
    private bool _wanted;

    public ResourceRun(Orchestrator owner, IResource resource, int replica)
    {
        _owner = owner;
        Resource = resource;
        _replica = replica;
        Id = $"{resource.Name}-{_suffix}";
        AddCommands();
    }

    public IResource Resource { get; }

    public string Id { get; }

    /// <summary>The order in which processes came up; stopping goes the other way.</summary>
    public int Sequence { get; private set; }

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        _owner.Notifications.Forget(Resource, Resource.Name);
        if (Resource.HasAnnotationOfType<ExplicitStartupAnnotation>())
        {
            await EnterAsync(KnownResourceStates.NotStarted);
            return;
        }
        await BeginAsync(cancellationToken);
    }

    public async Task StopAsync(bool final)
    {
        // A process that is just coming up holds the gate; when all ends, it is not waited for longer than it may take to stop.
        var entered = await _gate.WaitAsync(final ? TimeSpan.FromSeconds(5) : Timeout.InfiniteTimeSpan);
        try
        {
            _wanted = false;
            if (_launched is not { } launched)
                return;
            await EnterAsync(KnownResourceStates.Stopping);
            await launched.StopAsync();
            _launched = null;
            await EndedAsync(KnownResourceStates.Finished, await launched.Exited);
        }
        finally
        {
            if (entered)
                _gate.Release();
        }
    }

    public void Kill() => _launched?.Kill();

    public void Dispose() => _gate.Dispose();

    private async Task BeginAsync(CancellationToken cancellationToken)
    {
        try
        {
            await EnterAsync(KnownResourceStates.Starting);
            await _owner.PublishConnectionStringsAsync(Resource, cancellationToken);
            await _owner.Eventing.PublishAsync(new BeforeResourceStartedEvent(Resource, _owner.Services), cancellationToken);
            if (Resource.HasAnnotationOfType<WaitAnnotation>())
                await EnterAsync(KnownResourceStates.Waiting);
            await _owner.Notifications.WaitForAllAsync(Resource, cancellationToken);
            await LaunchAsync(cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested || _owner.IsStopping)
        {
            throw;
        }
#pragma warning disable CA1031 // Whatever keeps one resource from starting is its state, not the end of the others.
        catch (Exception e)
#pragma warning restore CA1031
        {
            _owner.Logs.Write(Resource.Name, e is DistributedApplicationException or ServerStartException ? e.Message : e.ToString(), true);
            _owner.Console.Say(Resource.Name, $"failed to start: {e.Message}");
            await EnterAsync(KnownResourceStates.FailedToStart);
        }
    }

    private async Task LaunchAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            if (_owner.IsStopping || _launched is not null)
                return;
            _wanted = true;
            await EnterAsync(KnownResourceStates.Starting);
            PrepareData();
            var launched = await Launcher.StartAsync(_owner, Resource, _replica, _suffix, cancellationToken);
            Sequence = _owner.NextSequence();
            if (launched is null)
            {
                await EnterAsync(KnownResourceStates.FailedToStart);
                return;
            }
            var urls = await UrlsAsync(cancellationToken);
            await _owner.Notifications.PublishUpdateAsync(Resource, Id, s => s.Entering(Resource, KnownResourceStates.Running) with
            {
                StartTimeStamp = DateTime.UtcNow,
                StopTimeStamp = null,
                ExitCode = null,
                Urls = urls,
                Properties = [new ResourcePropertySnapshot("executable.pid", launched.ProcessId)],
            });
            _launched = launched;
            _ = WatchAsync(launched);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Sees the process end by itself, says so, and brings it up again when that was a crash.</summary>
    private async Task WatchAsync(Launched launched)
    {
        var watch = Stopwatch.StartNew();
        var backoff = TimeSpan.FromMilliseconds(500);
        while (true)
        {
            var code = await launched.Exited;
            await _gate.WaitAsync();
            var expected = !_wanted || _owner.IsStopping || !ReferenceEquals(_launched, launched);
            if (!expected)
                _launched = null;
            _gate.Release();
            if (expected)
                return;

            await launched.StopAsync();
            var crashed = code != 0 || launched.IsServer;
            await EndedAsync(crashed ? KnownResourceStates.Exited : KnownResourceStates.Finished, code);
            if (!crashed || _owner.IsJob(Resource) || !_owner.Settings.RestartCrashed)
                return;
            backoff = watch.Elapsed > s_stable ? TimeSpan.FromMilliseconds(500) : backoff;
            var text = $"ended by itself with exit code {code}; it is started again in {backoff.TotalSeconds:0.#} s";
            _owner.Logs.Write(Resource.Name, text, true);
            _owner.Console.Say(Resource.Name, text);
            await Task.Delay(backoff);
            backoff = TimeSpan.FromTicks(Math.Min(backoff.Ticks * 2, s_longestBackoff.Ticks));
            watch.Restart();
            if (await RelaunchAsync() is not { } next)
                return;
            launched = next;
        }
    }

    private async Task<Launched?> RelaunchAsync()
    {
        while (_wanted && !_owner.IsStopping)
        {
            await _gate.WaitAsync();
            try
            {
                if (!_wanted || _owner.IsStopping || _launched is not null)
                    return null;
                await EnterAsync(KnownResourceStates.Starting);
                _launched = await Launcher.StartAsync(_owner, Resource, _replica, _suffix, _owner.Stopping);
                Sequence = _owner.NextSequence();
                await _owner.Notifications.PublishUpdateAsync(Resource, Id, s => s.Entering(Resource, KnownResourceStates.Running) with
                {
                    StartTimeStamp = DateTime.UtcNow,
                    StopTimeStamp = null,
                    ExitCode = null,
                    Properties = [new ResourcePropertySnapshot("executable.pid", _launched?.ProcessId)],
                });
                return _launched;
            }
            catch (OperationCanceledException)
            {
                return null;
            }
            catch (Exception e) when (e is ServerStartException or IOException or InvalidOperationException)
            {
                _owner.Logs.Write(Resource.Name, e.Message, true);
                await EnterAsync(KnownResourceStates.Exited);
            }
            finally
            {
                _gate.Release();
            }
            await Task.Delay(TimeSpan.FromSeconds(2));
        }
        return null;
    }

    private async Task EndedAsync(string state, int code)
    {
        await _owner.Notifications.PublishUpdateAsync(Resource, Id, s => s.Entering(Resource, state) with
        {
            ExitCode = code,
            StopTimeStamp = DateTime.UtcNow,
        });
        if (_owner.Notifications.TryGetCurrentState(Id, out var current))
        {
            await _owner.Eventing.PublishAsync(new ResourceStoppedEvent(Resource, _owner.Services, current),
                Eventing.EventDispatchBehavior.NonBlockingSequential);
        }
    }

    private Task EnterAsync(string state) => _owner.Notifications.PublishUpdateAsync(Resource, Id, s => s.Entering(Resource, state));

    /// <summary>A run begins with empty servers, unless the model says that data stays.</summary>
    private void PrepareData()
    {
        if (_dataIsFresh || Resource.HasAnnotationOfType<NativeDataAnnotation>())
            return;
        var data = Launcher.DataDirectory(_owner.Settings, Resource);
        if (Directory.Exists(data))
            Directory.Delete(data, true);
        _dataIsFresh = true;
    }

    private async Task<ImmutableArray<UrlSnapshot>> UrlsAsync(CancellationToken cancellationToken)
    {
        var urls = Resource.Annotations.OfType<ResourceUrlAnnotation>().ToList();
        if (Resource is IResourceWithEndpoints with)
        {
            urls.InsertRange(0, with.GetEndpoints().Where(e => e.IsAllocated)
                .Select(e => new ResourceUrlAnnotation { Url = e.Url, Endpoint = e }));
        }
        var context = new ResourceUrlsCallbackContext(_owner.Execution, Resource, urls, cancellationToken);
        foreach (var callback in Resource.Annotations.OfType<ResourceUrlsCallbackAnnotation>().ToList())
            await callback.Callback(context);
        return [.. context.Urls.Select(u =>
            new UrlSnapshot(u.Endpoint?.EndpointName, u.Url, u.DisplayLocation == UrlDisplayLocation.DetailsOnly)
        {
            DisplayProperties = new UrlDisplayPropertiesSnapshot(u.DisplayText ?? "", u.DisplayOrder ?? 0),
        })];
    }

    private void AddCommands()
    {
        Add(KnownResourceCommands.StartCommand, "Start", async token =>
        {
            if (_launched is null)
                await BeginAsync(token);
        });
        Add(KnownResourceCommands.StopCommand, "Stop", _ => StopAsync(false));
        Add(KnownResourceCommands.RestartCommand, "Restart", async token =>
        {
            await StopAsync(false);
            await BeginAsync(token);
        });
    }

    /// <summary>One annotation per command, which goes to the replica that is meant.</summary>
    private void Add(string name, string displayName, Func<CancellationToken, Task> action)
    {
        var earlier = Resource.Annotations.OfType<ResourceCommandAnnotation>().LastOrDefault(c => c.Name == name);
        if (earlier is not null)
            Resource.Annotations.Remove(earlier);
        Resource.Annotations.Add(new ResourceCommandAnnotation(name, displayName, _ => ResourceCommandState.Enabled, async context =>
        {
            if (earlier is not null && context.ResourceName != Id)
                return await earlier.ExecuteCommand(context);
            await action(context.CancellationToken);
            return CommandResults.Success();
        }, null, null, null, null, null, false));
    }
}

/// <summary>A started process, whatever it is.</summary>
internal sealed record Launched(int ProcessId, Task<int> Exited, bool IsServer, Func<Task> StopAsync)
{
    public void Kill()
    {
        _ = Signals.Send(-ProcessId, Signals.Kill);
        _ = Signals.Send(ProcessId, Signals.Kill);
    }
}
