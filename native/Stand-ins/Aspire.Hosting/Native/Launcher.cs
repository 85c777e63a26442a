using System.Collections;
using System.Runtime.InteropServices;
using System.Xml.Linq;
using Aspire.Hosting.ApplicationModel;
using Platform.Native.Servers;

namespace Aspire.Hosting.Native;

/// <summary>Starts the process of a resource.</summary>
internal static class Launcher
{
    // What the AppHost was told for itself is not for its projects.
    private static readonly HashSet<string> s_notInherited =
        ["ASPNETCORE_URLS", "DOTNET_LAUNCH_PROFILE", "ASPNETCORE_ENVIRONMENT", "DOTNET_ENVIRONMENT", "ASPIRE_LOGLEVEL"];

    public static string DataDirectory(NativeSettings settings, IResource resource) =>
        resource.Annotations.OfType<NativeDataAnnotation>().LastOrDefault()?.Directory ?? Path.Combine(settings.Data, resource.Name);

    public static Task<Launched?> StartAsync(
        Orchestrator owner, IResource resource, int replica, string suffix, CancellationToken cancellationToken) => resource switch
        {
            _ when resource.TryGetLastAnnotation<NativeServerAnnotation>(out var server) =>
                StartServerAsync(owner, resource, server, cancellationToken),
            ProjectResource project => StartProjectAsync(owner, project, replica, suffix, cancellationToken),
            ExecutableResource executable => StartExecutableAsync(owner, executable, suffix, cancellationToken),
            _ => throw new DistributedApplicationException(
                $"'{resource.Name}' is a container, and native mode has no local server in its place. It needs Aspire with a container runtime."),
        };

    private static async Task<Launched?> StartServerAsync(
        Orchestrator owner, IResource resource, NativeServerAnnotation annotation, CancellationToken cancellationToken)
    {
        var context = new NativeServerContext(resource, owner.Settings, owner.Services, DataDirectory(owner.Settings, resource),
            line => owner.Logs.Write(resource.Name, line, false));
        var server = await annotation.Start(context, cancellationToken);
        return server is null ? null : new Launched(server.ProcessId, server.Exited, true, () => server.DisposeAsync().AsTask());
    }

    private static async Task<Launched?> StartProjectAsync(
        Orchestrator owner, ProjectResource project, int replica, string suffix, CancellationToken cancellationToken)
    {
        var metadata = project.GetProjectMetadata();
        var arguments = await Values.ArgumentsAsync(project, owner.Execution, cancellationToken);
        var variables = await VariablesAsync(owner, project, replica, suffix, cancellationToken);
        var urls = project.GetEndpoints().Where(e => IsInUrls(project, e)).ToList();
        if (urls.Count > 0)
        {
            variables.TryAdd("ASPNETCORE_URLS",
                string.Join(';', urls.Select(e =>
                    $"{e.Scheme}://{e.EndpointAnnotation.TargetHost}:{e.EndpointAnnotation.ProcessPorts[replica]}")));
        }
        if (urls.Find(e => e.IsHttps) is { } https)
            variables.TryAdd("ASPNETCORE_HTTPS_PORT", https.Port.ToString(System.Globalization.CultureInfo.InvariantCulture));

        string[] command = FindOutput(metadata.ProjectPath, owner.Settings.Configuration) is { } assembly
            ? [assembly, .. arguments]
            : ["run", "--project", metadata.ProjectPath, .. (string[])(metadata.SuppressBuild ? ["--no-build"] : []),
                "--configuration", owner.Settings.Configuration, "--no-launch-profile", "--", .. arguments];
        return await StartAsync(owner, project.Name, DotnetHost(), command, Path.GetDirectoryName(metadata.ProjectPath)!, variables,
            cancellationToken);
    }

    private static async Task<Launched?> StartExecutableAsync(
        Orchestrator owner, ExecutableResource executable, string suffix, CancellationToken cancellationToken)
    {
        var arguments = await Values.ArgumentsAsync(executable, owner.Execution, cancellationToken);
        var variables = await VariablesAsync(owner, executable, 0, suffix, cancellationToken);
        // A path is meant from the working directory, a bare name from PATH.
        var local = Path.Combine(executable.WorkingDirectory, executable.Command);
        var command = executable.Command.Contains('/', StringComparison.Ordinal) && File.Exists(local)
            ? Path.GetFullPath(local) : executable.Command;
        return await StartAsync(owner, executable.Name, command, arguments, executable.WorkingDirectory, variables, cancellationToken);
    }

    private static async Task<Launched?> StartAsync(Orchestrator owner, string name, string command, IReadOnlyList<string> arguments,
        string directory,
        Dictionary<string, string> variables, CancellationToken cancellationToken)
    {
        var environment = Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
            .Where(v => !s_notInherited.Contains((string)v.Key)).ToDictionary(v => (string)v.Key, v => (string?)v.Value ?? "");
        foreach (var (key, value) in variables)
            environment[key] = value;
        var child = await ChildProcess.StartAsync(new ChildProcessOptions
        {
            Name = name,
            FileName = command,
            Arguments = arguments,
            WorkingDirectory = directory,
            Environment = environment,
            StopGrace = TimeSpan.FromSeconds(3),
            OnLine = (line, isError) => owner.Logs.Write(name, line, isError),
        }, cancellationToken);
        return new Launched(child.Id, child.Exited, false, () => child.DisposeAsync().AsTask());
    }

    private static async Task<Dictionary<string, string>> VariablesAsync(
        Orchestrator owner, IResource resource, int replica, string suffix, CancellationToken cancellationToken)
    {
        var variables = await Values.EnvironmentAsync(resource, owner.Execution, replica, cancellationToken);
        if (resource.HasAnnotationOfType<OtlpExporterAnnotation>())
        {
            var instance = $"service.instance.id={suffix}";
            variables["OTEL_RESOURCE_ATTRIBUTES"] =
                variables.TryGetValue("OTEL_RESOURCE_ATTRIBUTES", out var attributes) && attributes.Length > 0
                    ? $"{attributes},{instance}" : instance;
        }
        return variables;
    }

    /// <summary>An endpoint with a variable of its own for the port is the program's to listen on.</summary>
    private static bool IsInUrls(ProjectResource project, EndpointReference endpoint) =>
        endpoint.Scheme is "http" or "https" && endpoint.EndpointAnnotation.TargetPortEnvironmentVariable is null
        && project.Annotations.OfType<EndpointEnvironmentInjectionFilterAnnotation>().All(f => f.Filter(endpoint.EndpointAnnotation));

    /// <summary>
    /// The program that the AppHost's build made of the project: started directly, it comes up faster and hears signals itself.
    /// </summary>
    private static string? FindOutput(string projectPath, string configuration)
    {
        var output = Path.Combine(Path.GetDirectoryName(projectPath)!, "bin", configuration);
        if (!Directory.Exists(output))
            return null;
        var name = XDocument.Load(projectPath).Descendants("AssemblyName").FirstOrDefault()?.Value
            ?? Path.GetFileNameWithoutExtension(projectPath);
        return Directory.EnumerateFiles(output, $"{name}.runtimeconfig.json", SearchOption.AllDirectories)
            .Where(f => !f.Contains("/publish/", StringComparison.Ordinal))
            .OrderByDescending(File.GetLastWriteTimeUtc)
            .Select(f => Path.Combine(Path.GetDirectoryName(f)!, $"{name}.dll"))
            .FirstOrDefault(File.Exists);
    }

    /// <summary>The host that this process runs on.</summary>
    public static string DotnetHost()
    {
        var beside = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", "dotnet"));
        return File.Exists(beside) ? beside : "dotnet";
    }
}
