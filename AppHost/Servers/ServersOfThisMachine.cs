using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Hosting;
using Platform.AppHost.StartUp;
using Platform.Servers;

namespace Platform.AppHost.Servers;

/// <summary>
/// Servers are containers where a container runtime answers. Where none does, each server is a process of this machine: an executable
/// resource named <c>[server]-process</c>, which runs <c>Servers/[server].sh</c> and which the dashboard shows below its server.
/// <c>--Servers=containers</c> and <c>--Servers=local</c> choose by hand.
/// </summary>
internal static class ServersOfThisMachine
{
    private const string LocalHost = "localhost";

    /// <summary>Call it last: it takes the servers' environment as the model has it by then.</summary>
    public static void RunServers(
        this IDistributedApplicationBuilder builder,
        IResourceBuilder<KeycloakResource> keycloak,
        IResourceBuilder<RabbitMQServerResource> rabbitmq
    )
    {
        if (!builder.ExecutionContext.IsRunMode)
        {
            return;
        }

        if (UsesContainers(builder, out var reason))
        {
            Console.WriteLine($"Servers run as containers: {reason}");
            rabbitmq.WithDefinitions();
            return;
        }

        Console.WriteLine($"Servers run as processes of this machine: {reason}");
        foreach (var server in builder.Resources.OfType<ContainerResource>().Where(server => server != keycloak.Resource).ToList())
        {
            builder.RunLocally(server, builder.AddExecutable(ProcessName(server), Script(builder, server), builder.AppHostDirectory));
        }

        builder.RunKeycloak(keycloak.Resource);
    }

    /// <summary>The resource whose process does the work of a server: itself in a container, <c>[server]-process</c> without.</summary>
    public static string ProcessName(IResource server) => $"{server.Name}-process";

    private static bool UsesContainers(IDistributedApplicationBuilder builder, out string reason)
    {
        if (builder.Configuration["Servers"] is { Length: > 0 } chosen)
        {
            reason = $"--Servers={chosen}.";
            return chosen == "containers";
        }

        string[] runtimes = builder.Configuration["ASPIRE_CONTAINER_RUNTIME"] is { Length: > 0 } named ? [named] : ["docker", "podman"];
        var running = runtimes.FirstOrDefault(Answers);
        reason = running is null ? $"no container runtime answers ({string.Join(", ", runtimes)})." : $"{running} answers.";
        return running is not null;
    }

    private static bool Answers(string runtime)
    {
        try
        {
            using var process = Process.Start(
                new ProcessStartInfo(runtime, ["info"]) { RedirectStandardOutput = true, RedirectStandardError = true }
            )!;
            process.OutputDataReceived += static (_, _) => { };
            process.ErrorDataReceived += static (_, _) => { };
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
            if (process.WaitForExit(TimeSpan.FromSeconds(10)))
            {
                return process.ExitCode == 0;
            }

            process.Kill(entireProcessTree: true);
            return false;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }

    private static string Script(IDistributedApplicationBuilder builder, ContainerResource server) =>
        Path.Combine(builder.AppHostDirectory, "Servers", $"{server.Name}.sh");

    // A distribution where there is one, else in Development the embedded realm, which serves the same realm files.
    private static void RunKeycloak(this IDistributedApplicationBuilder builder, KeycloakResource keycloak)
    {
        var chosen = builder.Configuration["Servers:Keycloak"];
        var reason = "--Servers:Keycloak=embedded.";
        var distribution =
            chosen == "embedded" ? null : KeycloakDistribution.Find(Path.Combine(builder.AppHostDirectory, ".."), out reason);
        if (distribution is not null)
        {
            builder.RunLocally(
                keycloak,
                builder
                    .AddExecutable(ProcessName(keycloak), Script(builder, keycloak), builder.AppHostDirectory)
                    .WithArgs("start-dev", "--import-realm")
                    .WithEnvironment("KEYCLOAK", distribution)
                    .WithEnvironment("IMPORT", keycloak.RealmFiles)
            );
        }
        else if (chosen != "distribution" && builder.Environment.IsDevelopment())
        {
            Console.WriteLine($"{reason} The embedded development realm is in its place. It is not for production.");
            var realm = builder.AddProject<Projects.Platform_Identity_EmbeddedRealm>(ProcessName(keycloak), options =>
                options.ExcludeLaunchProfile = true
            );
            builder.RunLocally(
                keycloak,
                realm
                    .WithEnvironment("ASPNETCORE_ENVIRONMENT", builder.Environment.EnvironmentName)
                    .WithArgs(context =>
                    {
                        context.Args.Add($"--data={Path.Combine(DataFolder(builder, keycloak), "embedded")}");
                        context.Args.Add($"--import={keycloak.RealmFiles}");
                        context.Args.Add($"--http-port={keycloak.GetEndpoint("http").Port}");
                        context.Args.Add($"--http-management-port={keycloak.GetEndpoint("management").Port}");
                    })
            );
        }
        else
        {
            Console.WriteLine($"{reason} Everything runs without sign-in; personal tokens work.");
            builder.RunLocally<ExecutableResource>(keycloak, process: null);
        }
    }

    private static string DataFolder(IDistributedApplicationBuilder builder, ContainerResource server)
    {
        // Others than the owner may pass, such as PostgreSQL's own user; each server closes its folder.
        var servers = Directory.CreateDirectory(Path.Combine(builder.Artifacts(), "servers"));
        return Path.Combine(servers.FullName, server.Name);
    }

    /// <summary>Lets a process stand for a container: with its environment, on its endpoints, with its state.</summary>
    private static void RunLocally<T>(this IDistributedApplicationBuilder builder, ContainerResource server, IResourceBuilder<T>? process)
        where T : class, IResourceWithEnvironment, IResourceWithArgs
    {
        // What makes the orchestrator start a container.
        foreach (var annotation in server.Annotations.Where(a => a is ContainerImageAnnotation or ContainerLifetimeAnnotation).ToList())
        {
            server.Annotations.Remove(annotation);
        }

        foreach (var endpoint in server.Annotations.OfType<EndpointAnnotation>())
        {
            endpoint.AllocatedEndpoint = new AllocatedEndpoint(endpoint, LocalHost, endpoint.Port ?? FreePorts.Next());
        }

        if (process is not null)
        {
            process
                .WithEnvironment("DATA", DataFolder(builder, server))
                .WithAnnotation(new ResourceRelationshipAnnotation(server, "Parent"));
            foreach (var annotation in server.Annotations.OfType<EnvironmentCallbackAnnotation>().ToList())
            {
                process.WithAnnotation(annotation);
            }

            process.WithPorts(server);
            if (server is RabbitMQServerResource rabbitmq)
            {
                process.WithDefinitions(rabbitmq);
                process.WithPort("PORT_DIST", FreePorts.Next()).WithPort("PORT_EPMD", FreePorts.Next());
            }

            if (builder.Configuration["Servers:Durable"] is { Length: > 0 } durable)
            {
                process.WithEnvironment("DURABLE", durable);
            }
        }

        builder.RunBeside((services, stopping) => new StateMirror(builder, services, server, process?.Resource).RunAsync(stopping));
    }

    // PORT where there is one endpoint, else PORT_[NAME] for each.
    private static void WithPorts<T>(this IResourceBuilder<T> process, ContainerResource server)
        where T : IResourceWithEnvironment
    {
        var endpoints = server.Annotations.OfType<EndpointAnnotation>().ToList();
        foreach (var endpoint in endpoints)
        {
            process.WithPort(endpoints.Count == 1 ? "PORT" : $"PORT_{endpoint.Name.ToUpperInvariant()}", endpoint.AllocatedEndpoint!.Port);
        }
    }

    private static IResourceBuilder<T> WithPort<T>(this IResourceBuilder<T> process, string variable, int port)
        where T : IResourceWithEnvironment => process.WithEnvironment(variable, port.ToString(CultureInfo.InvariantCulture));
}
