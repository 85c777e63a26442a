using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Eventing;
using Aspire.Hosting.Native;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting;

public interface IDistributedApplicationBuilder
{
    ConfigurationManager Configuration { get; }

    string AppHostDirectory { get; }

    Assembly? AppHostAssembly { get; }

    IHostEnvironment Environment { get; }

    IServiceCollection Services { get; }

    IDistributedApplicationEventing Eventing { get; }

    DistributedApplicationExecutionContext ExecutionContext { get; }

    IResourceCollection Resources { get; }

    IUserSecretsManager UserSecretsManager { get; }

    IResourceBuilder<T> AddResource<T>(T resource) where T : IResource;

    IResourceBuilder<T> CreateResourceBuilder<T>(T resource) where T : IResource;

    DistributedApplication Build();
}

public class DistributedApplicationBuilder : IDistributedApplicationBuilder
{
    private readonly HostApplicationBuilder _inner;
    private readonly DistributedApplicationOptions _options;
    private readonly TestingHooks? _testing;
    private readonly DistributedApplicationExecutionContextOptions _contextOptions;

    public DistributedApplicationBuilder(string[] args) : this(new DistributedApplicationOptions { Args = args })
    {
    }

    public DistributedApplicationBuilder(DistributedApplicationOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        _testing = TestingHooks.Current;
        var settings = new HostApplicationBuilderSettings { Args = options.Args };
        _testing?.Creating(options, settings);

        AppHostAssembly = options.AssemblyName is { } name ? Assembly.Load(name) : _testing?.Assembly ?? Assembly.GetEntryAssembly();
        var metadata = AppHostAssembly?.GetCustomAttributes<AssemblyMetadataAttribute>().ToLookup(a => a.Key, a =>
            a.Value, StringComparer.OrdinalIgnoreCase);
        AppHostDirectory = options.ProjectDirectory ?? metadata?["apphostprojectpath"].FirstOrDefault() ?? Directory.GetCurrentDirectory();
        var projectFile = metadata?["apphostprojectname"].FirstOrDefault();
        AppHostPath = projectFile is null ? AppHostDirectory : Path.Combine(AppHostDirectory, projectFile);
        var applicationName = options.DashboardApplicationName ?? AppHostAssembly?.GetName().Name ?? "AppHost";

        settings.ContentRootPath ??= Directory.Exists(AppHostDirectory) ? AppHostDirectory : null;
        settings.ApplicationName ??= AppHostAssembly?.GetName().Name;
        _inner = new HostApplicationBuilder(settings);
        _contextOptions = new DistributedApplicationExecutionContextOptions(
            ManifestPublisher.IsAskedFor(_inner.Configuration) ? DistributedApplicationOperation.Publish : DistributedApplicationOperation.Run);
        ExecutionContext = new DistributedApplicationExecutionContext(_contextOptions);
        UserSecretsManager = new UserSecretsManager(AppHostAssembly);
        SetDefaults(applicationName);
        Services.AddHealthChecks();
        Services.AddSingleton(options);
        Services.AddSingleton(ExecutionContext);
        Services.AddSingleton(Eventing);
        Services.AddSingleton(UserSecretsManager);
        Services.AddSingleton(_ => new DistributedApplicationModel(Resources));
        Services.AddSingleton<ResourceLoggerService>();
        Services.AddSingleton(s => new ResourceNotificationService(s.GetRequiredService<ILogger<ResourceNotificationService>>(),
            s.GetRequiredService<IHostApplicationLifetime>(), s, s.GetRequiredService<ResourceLoggerService>()));
        Services.AddSingleton(s => new ResourceCommandService(s));
        Services.AddSingleton(new NativeSettings(_inner.Configuration, AppHostDirectory, AppHostAssembly, applicationName, _testing));
        Services.AddSingleton<Orchestrator>();
        if (ExecutionContext.IsRunMode)
            Services.AddHostedService(s => s.GetRequiredService<Orchestrator>());
        Services.AddSingleton<ManifestPublisher>();
        Services.AddSingleton<ConsoleReporter>();
        Services.AddHttpClient();
        Services.Configure<ResourceNotificationServiceOptions>(o => o.DefaultWaitBehavior =
            options.DisableDashboard ? WaitBehavior.StopOnResourceUnavailable : WaitBehavior.WaitOnResourceUnavailable);
        _testing?.Created(this);
    }

    public ConfigurationManager Configuration => _inner.Configuration;

    public string AppHostDirectory { get; }

    public string AppHostPath { get; }

    public Assembly? AppHostAssembly { get; }

    public IHostEnvironment Environment => _inner.Environment;

    public IServiceCollection Services => _inner.Services;

    public IDistributedApplicationEventing Eventing { get; } = new DistributedApplicationEventing();

    public DistributedApplicationExecutionContext ExecutionContext { get; }

    public IResourceCollection Resources { get; } = new ResourceCollection();

    public IUserSecretsManager UserSecretsManager { get; }

    public IResourceBuilder<T> AddResource<T>(T resource) where T : IResource
    {
        ArgumentNullException.ThrowIfNull(resource);
        Resources.Add(resource);
        return CreateResourceBuilder(resource);
    }

    public IResourceBuilder<T> CreateResourceBuilder<T>(T resource) where T : IResource
    {
        ArgumentNullException.ThrowIfNull(resource);
        return new ResourceBuilder<T>(this, resource);
    }

    public DistributedApplication Build()
    {
        _testing?.Building(this);
        if (!_options.DisableDashboard && ExecutionContext.IsRunMode)
            DashboardResources.Add(this);
        var host = _inner.Build();
        _contextOptions.ServiceProvider = host.Services;
        var application = new DistributedApplication(host) { Testing = _testing };
        _testing?.Built(application);
        return application;
    }

    private void SetDefaults(string applicationName)
    {
        var logging = _inner.Logging;
        logging.AddFilter("Microsoft.Hosting.Lifetime", LogLevel.Warning);
        logging.AddFilter("Microsoft.Extensions.Diagnostics.HealthChecks", LogLevel.None);
        // A start that a signal ended is no failure; a real one ends Run with its exception.
        logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None);
        logging.AddFilter("System.Net.Http", LogLevel.Warning);
        var defaults = new Dictionary<string, string?>
        {
            ["AppHost:Directory"] = AppHostDirectory,
            ["AppHost:Path"] = AppHostPath,
            // The same for every checkout when publishing, so that volumes keep their names.
            ["AppHost:Sha256"] = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(ExecutionContext.IsPublishMode ? applicationName : AppHostPath))),
            ["AppHost:DashboardApplicationName"] = applicationName,
            ["AppHost:OtlpApiKey"] = _inner.Configuration["AppHost:OtlpApiKey"]
                ?? Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)),
            ["AppHost:BrowserToken"] = _inner.Configuration["ASPIRE_DASHBOARD_FRONTEND_BROWSERTOKEN"]
                ?? _inner.Configuration["DOTNET_DASHBOARD_FRONTEND_BROWSERTOKEN"]
                    ?? Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)),
        };
        if (_inner.Configuration["DOTNET_LAUNCH_PROFILE"] is { } profile)
            defaults["AppHost:DefaultLaunchProfileName"] = _inner.Configuration["AppHost:DefaultLaunchProfileName"] ?? profile;
        _inner.Configuration.AddInMemoryCollection(defaults);
    }
}

/// <summary>How Aspire.Hosting.Testing takes part in building an application, on the thread of its entry point.</summary>
internal sealed class TestingHooks
{
    private static readonly AsyncLocal<TestingHooks?> s_current = new();

    public static TestingHooks? Current
    {
        get => s_current.Value;
        set => s_current.Value = value;
    }

    public required Assembly? Assembly { get; init; }

    public Action<DistributedApplicationOptions, HostApplicationBuilderSettings> Creating { get; init; } = (_, _) => { };

    public Action<DistributedApplicationBuilder> Created { get; init; } = _ => { };

    /// <summary>Holds the entry point back until the test builds the application.</summary>
    public Action<DistributedApplicationBuilder> Building { get; init; } = _ => { };

    public Action<DistributedApplication> Built { get; init; } = _ => { };

    /// <summary>Completes when the test starts the application; the entry point's own start waits for it.</summary>
    public TaskCompletionSource StartRequested { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
}
