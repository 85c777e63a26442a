using Aspire.Hosting.ApplicationModel;
using Platform.Native.Servers;

namespace Aspire.Hosting.Native;

/// <summary>How a resource that is a container elsewhere runs here: as a local server.</summary>
/// <param name="start">Starts the server, or answers null, having said why, when this machine has none; the resource then failed to start.</param>
internal sealed class NativeServerAnnotation(Func<NativeServerContext, CancellationToken, Task<LocalServer?>> start) : IResourceAnnotation
{
    public Func<NativeServerContext, CancellationToken, Task<LocalServer?>> Start { get; } = start;
}

/// <summary>Where a container of the resource keeps its data, for WithDataVolume and WithDataBindMount.</summary>
internal static class ContainerData
{
    public static IResourceBuilder<T> WithData<T>(this IResourceBuilder<T> builder, string target, string? volume, bool isReadOnly) where T : ContainerResource
    {
        var configuration = builder.ApplicationBuilder.Configuration;
        var name = volume ?? $"{configuration["AppHost:DashboardApplicationName"]!.ToLowerInvariant()}-{configuration["AppHost:Sha256"]![..10].ToLowerInvariant()}-{builder.Resource.Name}-data";
        return builder.WithAnnotation(new ContainerMountAnnotation(name, target, ContainerMountType.Volume, isReadOnly))
            .WithAnnotation(new NativeDataAnnotation(null));
    }

    public static IResourceBuilder<T> WithDataFrom<T>(this IResourceBuilder<T> builder, string target, string source, bool isReadOnly) where T : ContainerResource
    {
        var directory = Path.GetFullPath(Path.Combine(builder.ApplicationBuilder.AppHostDirectory, source));
        return builder.WithAnnotation(new ContainerMountAnnotation(directory, target, ContainerMountType.BindMount, isReadOnly))
            .WithAnnotation(new NativeDataAnnotation(directory));
    }
}

/// <summary>The data of the resource outlives the run (WithDataVolume, WithDataBindMount).</summary>
internal sealed class NativeDataAnnotation(string? directory) : IResourceAnnotation
{
    /// <summary>A directory of the user's; null takes the usual one under artifacts.</summary>
    public string? Directory { get; } = directory;
}

/// <summary>What a server needs to know to start.</summary>
internal sealed class NativeServerContext(IResource resource, NativeSettings settings, IServiceProvider services, string dataDirectory,
    Action<string> say)
{
    public NativeSettings Settings { get; } = settings;

    public IServiceProvider Services { get; } = services;

    public string DataDirectory { get; } = dataDirectory;

    /// <summary>Writes a line of the resource's log.</summary>
    public Action<string> Say { get; } = say;

    public int PortOf(string endpointName) =>
        resource.Annotations.OfType<EndpointAnnotation>().First(e => e.Name == endpointName).ProcessPorts[0];

    public Task<Dictionary<string, string>> EnvironmentAsync(CancellationToken cancellationToken) =>
        Values.EnvironmentAsync(resource, new DistributedApplicationExecutionContext(DistributedApplicationOperation.Run), 0,
            cancellationToken);

    public Task<string[]> ArgumentsAsync(CancellationToken cancellationToken) =>
        Values.ArgumentsAsync(resource, new DistributedApplicationExecutionContext(DistributedApplicationOperation.Run), cancellationToken);
}
