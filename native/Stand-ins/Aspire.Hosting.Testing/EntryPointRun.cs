using System.Reflection;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting.Testing;

/// <summary>An AppHost's entry point on a thread of its own, held back at Build and at Start until the test is there.</summary>
internal sealed class EntryPointRun : IAsyncDisposable
{
    private readonly TaskCompletionSource<DistributedApplicationBuilder> _builder = New<DistributedApplicationBuilder>();
    private readonly TaskCompletionSource<DistributedApplication> _built = New<DistributedApplication>();
    private readonly TaskCompletionSource<bool> _buildRequested = New<bool>();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TestingHooks _hooks;

    public EntryPointRun(
        Type entryPoint, string[] args, Action<DistributedApplicationOptions, HostApplicationBuilderSettings>? configure,
        Action<DistributedApplicationBuilder>? building = null)
    {
        _hooks = new TestingHooks
        {
            Assembly = entryPoint.Assembly,
            Creating = (options, settings) =>
            {
                SetTestDefaults(options, settings);
                configure?.Invoke(options, settings);
            },
            Building = builder =>
            {
                // The test gets the builder with all that the entry point has put into it.
                _builder.TrySetResult(builder);
                if (!_buildRequested.Task.GetAwaiter().GetResult())
                    throw new OperationCanceledException("The test ended without building the application.");
                building?.Invoke(builder);
            },
            Built = application => _built.TrySetResult(application),
        };
        var main = entryPoint.Assembly.EntryPoint
            ?? throw new InvalidOperationException($"Assembly of specified type {entryPoint.Name} does not have an entry point.");
        new Thread(() => Run(main, args)) { IsBackground = true, Name = $"{entryPoint.Assembly.GetName().Name} entry point" }.Start();
    }

    public Assembly Assembly => _hooks.Assembly!;

    public Task<DistributedApplicationBuilder> Builder => _builder.Task;

    public static void SetTestDefaults(DistributedApplicationOptions options, HostApplicationBuilderSettings settings)
    {
        options.DisableDashboard = true;
        options.EnableResourceLogging = true;
        settings.EnvironmentName = Environments.Development;
        settings.Configuration ??= new ConfigurationManager();
        settings.Configuration.AddInMemoryCollection([new("DcpPublisher:RandomizePorts", "true")]);
    }

    public async Task<DistributedApplication> BuildAsync(CancellationToken cancellationToken)
    {
        _buildRequested.TrySetResult(true);
        return new TestedApplication(await _built.Task.WaitAsync(cancellationToken), this);
    }

    /// <summary>Lets the entry point start the application and waits until it has, or until the entry point fails.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var application = await _built.Task.WaitAsync(cancellationToken);
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var registration = application.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStarted.Register(() =>
            started.TrySetResult());
        _hooks.StartRequested.TrySetResult();
        await (await Task.WhenAny(started.Task, _ended.Task).WaitAsync(cancellationToken));
        if (!started.Task.IsCompleted)
            throw new InvalidOperationException("The entry point exited without starting the application.");
    }

    public async ValueTask DisposeAsync()
    {
        _buildRequested.TrySetResult(false);
        _hooks.StartRequested.TrySetCanceled();
        if (_built.Task.IsCompletedSuccessfully)
        {
            try
            {
                _built.Task.Result.Services.GetRequiredService<IHostApplicationLifetime>().StopApplication();
            }
            catch (ObjectDisposedException)
            {
                // The entry point has come to its end already.
            }
        }
        await Task.WhenAny(_ended.Task, Task.Delay(TimeSpan.FromSeconds(30)));
    }

    private static TaskCompletionSource<T> New<T>() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void Run(MethodInfo main, string[] args)
    {
        TestingHooks.Current = _hooks;
        try
        {
            var result = main.Invoke(null, main.GetParameters().Length == 0 ? null : [args]);
            if (result is Task task)
                task.GetAwaiter().GetResult();
            _ended.TrySetResult();
            Fail(new InvalidOperationException("The entry point exited without building an application."));
        }
#pragma warning disable CA1031 // The test is told, whatever it was.
        catch (Exception e)
#pragma warning restore CA1031
        {
            var cause = e is TargetInvocationException { InnerException: { } inner } ? inner : e;
            _ended.TrySetException(cause);
            _ = _ended.Task.Exception;
            Fail(cause);
        }
    }

    private void Fail(Exception exception)
    {
        if (_builder.TrySetException(exception))
            _ = _builder.Task.Exception;
        if (_built.TrySetException(exception))
            _ = _built.Task.Exception;
    }

    /// <summary>The test's side of the application; the entry point's side runs it.</summary>
    private sealed class TestedApplication(DistributedApplication application, EntryPointRun run) : DistributedApplication(application)
    {
        public override Task StartAsync(CancellationToken cancellationToken = default) => run.StartAsync(cancellationToken);

        public override async Task RunAsync(CancellationToken cancellationToken = default)
        {
            await StartAsync(cancellationToken);
            await run._ended.Task.WaitAsync(cancellationToken);
        }

        public override Task StopAsync(CancellationToken cancellationToken = default) => application.StopAsync(cancellationToken);

        public override void Dispose()
        {
            run.DisposeAsync().AsTask().GetAwaiter().GetResult();
            base.Dispose();
        }

        public override async ValueTask DisposeAsync()
        {
            await run.DisposeAsync();
            await base.DisposeAsync();
        }
    }
}
