using System.Text.Json;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Platform.EndToEnd.Tests;

/// <summary>Servers that are containers. A container runtime is not needed to see what they would be told.</summary>
public sealed class ContainerTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Else Keycloak would name an issuer, and an audience, that no browser reaches and the edge does not know.</summary>
    [Theory]
    [InlineData("KC_HOSTNAME", "http://localhost:7002")]
    [InlineData("PLATFORM_EDGE_URL", "http://localhost:7002/mcp")]
    public async Task Keycloak_in_a_container_is_told_the_addresses_that_people_use(string variable, string expected)
    {
        await using var suite = await SuiteOfContainers.BuildAsync();
        Allocate(suite["keycloak"], 7001);
        Allocate(suite["edge"], 7002);

        Assert.Equal(expected, await ToldAsync(suite["keycloak"], variable));
    }

    [Fact]
    public async Task RabbitMQ_in_a_container_loads_the_users_of_the_suite()
    {
        await using var suite = await SuiteOfContainers.BuildAsync();
        var rabbitmq = suite["rabbitmq"];
        var files = rabbitmq.Annotations.OfType<ContainerFileSystemCallbackAnnotation>().Single();
        var context = new ContainerFileSystemCallbackContext { Model = rabbitmq, Services = suite.Services };
        var entries = (await files.Callback(context, Token)).ToList();

        Assert.Equal("/etc/rabbitmq", files.DestinationPath);
        using var definitions = JsonDocument.Parse(entries.OfType<ContainerFile>().Single().Contents!);
        var users = definitions.RootElement.GetProperty("users").EnumerateArray().ToList();
        Assert.Equal(["guest", "directory", "data", "identity", "audit"], users.Select(user => user.GetProperty("name").GetString()));
        Assert.All(users.Skip(1), user => Assert.Equal(32, user.GetProperty("password").GetString()!.Length));
        var settings = Assert.Single(entries.OfType<ContainerDirectory>()).Entries.OfType<ContainerFile>().Single();
        Assert.Equal("load_definitions = /etc/rabbitmq/platform-definitions.json\n", settings.Contents);
    }

    // As the orchestrator does: an address for this machine and one for the containers' network.
    private static void Allocate(IResource resource, int port)
    {
        var endpoint = resource.Annotations.OfType<EndpointAnnotation>().Single(endpoint => endpoint.Name == "http");
        endpoint.AllocatedEndpoint = new AllocatedEndpoint(endpoint, "localhost", port);
        endpoint.AllAllocatedEndpoints.AddOrUpdateAllocatedEndpoint(
            KnownNetworkIdentifiers.DefaultAspireContainerNetwork,
            new AllocatedEndpoint(
                endpoint,
                $"{resource.Name}.internal",
                8080,
                EndpointBindingMode.SingleAddress,
                null,
                KnownNetworkIdentifiers.DefaultAspireContainerNetwork
            )
        );
    }

    private static async Task<string?> ToldAsync(IResource container, string variable)
    {
        var told = new EnvironmentCallbackContext(
            new DistributedApplicationExecutionContext(DistributedApplicationOperation.Run),
            container,
            cancellationToken: Token
        );
        foreach (var annotation in container.Annotations.OfType<EnvironmentCallbackAnnotation>())
        {
            await annotation.Callback(told);
        }

        var context = new ValueProviderContext { Caller = container, Network = KnownNetworkIdentifiers.DefaultAspireContainerNetwork };
        return told.EnvironmentVariables[variable] is IValueProvider value
            ? await value.GetValueAsync(context, Token)
            : told.EnvironmentVariables[variable].ToString();
    }

    /// <summary>The suite as it would run in containers. Nothing is started.</summary>
    private sealed class SuiteOfContainers(DistributedApplication app, string artifacts) : IAsyncDisposable
    {
        public IServiceProvider Services => app.Services;

        public IResource this[string name] =>
            Services.GetRequiredService<DistributedApplicationModel>().Resources.Single(resource => resource.Name == name);

        public static async Task<SuiteOfContainers> BuildAsync()
        {
            var artifacts = SuiteFolder.Next();
            var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.Platform_AppHost>(
                [$"--Artifacts={artifacts}", "--Servers=containers"],
                Token
            );
            return new(await builder.BuildAsync(Token), artifacts);
        }

        public async ValueTask DisposeAsync()
        {
            await app.DisposeAsync();
            SuiteFolder.Delete(artifacts);
        }
    }
}
