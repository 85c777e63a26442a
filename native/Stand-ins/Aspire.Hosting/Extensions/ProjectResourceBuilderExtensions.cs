using System.Net.Sockets;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Native;

namespace Aspire.Hosting;

public static class ProjectResourceBuilderExtensions
{
    public static IResourceBuilder<ProjectResource> AddProject<TProject>(this IDistributedApplicationBuilder builder,
        [ResourceName] string name)
        where TProject : IProjectMetadata, new() => builder.AddProject<TProject>(name, _ => { });

    public static IResourceBuilder<ProjectResource> AddProject<TProject>(
        this IDistributedApplicationBuilder builder, [ResourceName] string name, string? launchProfileName)
        where TProject : IProjectMetadata, new() => builder.AddProject<TProject>(name, o => Choose(o, launchProfileName));

    public static IResourceBuilder<ProjectResource> AddProject<TProject>(
        this IDistributedApplicationBuilder builder, [ResourceName] string name, Action<ProjectResourceOptions> configure)
        where TProject : IProjectMetadata, new() => Add(builder, name, new TProject(), configure);

    public static IResourceBuilder<ProjectResource> AddProject(this IDistributedApplicationBuilder builder, [ResourceName] string name,
        string projectPath) =>
        builder.AddProject(name, projectPath, _ => { });

    public static IResourceBuilder<ProjectResource> AddProject(
        this IDistributedApplicationBuilder builder, [ResourceName] string name, string projectPath, string? launchProfileName) =>
        builder.AddProject(name, projectPath, o => Choose(o, launchProfileName));

    public static IResourceBuilder<ProjectResource> AddProject(
        this IDistributedApplicationBuilder builder, [ResourceName] string name, string projectPath,
            Action<ProjectResourceOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return Add(builder, name, new PathMetadata(Path.GetFullPath(Path.Combine(builder.AppHostDirectory, projectPath))), configure);
    }

    public static IResourceBuilder<ProjectResource> WithReplicas(this IResourceBuilder<ProjectResource> builder, int replicas)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentOutOfRangeException.ThrowIfLessThan(replicas, 1);
        return builder.WithAnnotation(new ReplicaAnnotation(replicas), ResourceAnnotationMutationBehavior.Replace);
    }

    public static IResourceBuilder<ProjectResource> DisableForwardedHeaders(this IResourceBuilder<ProjectResource> builder) => builder;

    public static IResourceBuilder<ProjectResource> WithEndpointsInEnvironment(
        this IResourceBuilder<ProjectResource> builder, Func<EndpointAnnotation, bool> filter) =>
        builder.WithAnnotation(new EndpointEnvironmentInjectionFilterAnnotation(filter));

    private static void Choose(ProjectResourceOptions options, string? launchProfileName)
    {
        options.ExcludeLaunchProfile = launchProfileName is null;
        options.LaunchProfileName = launchProfileName;
    }

    private static IResourceBuilder<ProjectResource> Add(
        IDistributedApplicationBuilder builder, string name, IProjectMetadata metadata, Action<ProjectResourceOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(configure);
        var options = new ProjectResourceOptions();
        configure(options);
        var project = builder.AddResource(new ProjectResource(name)).WithAnnotation(metadata).WithOtlpExporter();
        if (builder.ExecutionContext.IsRunMode)
        {
            project.WithEnvironment("LOGGING__CONSOLE__FORMATTERNAME", "simple");
            project.WithEnvironment("DOTNET_SYSTEM_CONSOLE_ALLOW_ANSI_COLOR_REDIRECTION", "true");
        }
        var settings = metadata.LaunchSettings ?? LaunchSettingsFile.Read(metadata.ProjectPath);
        if (LaunchSettingsFile.Choose(settings, options, name,
            builder.Configuration["AppHost:DefaultLaunchProfileName"]) is not var (profileName, profile))
        {
            project.WithAnnotation(new ExcludeLaunchProfileAnnotation());
            return project;
        }
        project.WithAnnotation(new LaunchProfileAnnotation(profileName));
        if (builder.ExecutionContext.IsPublishMode)
            return string.IsNullOrEmpty(profile.ApplicationUrl) ? project : project.WithHttpEndpoint().WithHttpsEndpoint();
        AddEndpoints(project, profile);
        return project.WithEnvironment(context =>
        {
            context.EnvironmentVariables.TryAdd("DOTNET_LAUNCH_PROFILE", profileName);
            foreach (var (variable, value) in profile.EnvironmentVariables)
                context.EnvironmentVariables.TryAdd(variable, value);
        }).WithArgs(context =>
        {
            foreach (var argument in LaunchSettingsFile.Arguments(profile.CommandLineArgs))
                context.Args.Add(argument);
        });
    }

    /// <summary>Each URL of the profile is an endpoint named by its scheme, further ones of a scheme http2, http3, and so on.</summary>
    private static void AddEndpoints(IResourceBuilder<ProjectResource> project, LaunchProfile profile)
    {
        var counts = new Dictionary<string, int>();
        foreach (var url in (profile.ApplicationUrl
            ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var address = new Uri(url.Replace("://*", "://localhost", StringComparison.Ordinal).Replace("://+", "://localhost",
                StringComparison.Ordinal));
            var count = counts[address.Scheme] = counts.GetValueOrDefault(address.Scheme) + 1;
            project.WithAnnotation(new EndpointAnnotation(ProtocolType.Tcp, address.Scheme, name: count == 1
                ? address.Scheme : $"{address.Scheme}{count}",
                port: address.Port == 0 ? null : address.Port)
            {
                FromLaunchProfile = true,
                TargetHost = address.Host,
            });
        }
    }

    private sealed class PathMetadata(string path) : IProjectMetadata
    {
        public string ProjectPath => path;
    }
}
