using Platform.Servers;

namespace Platform.AppHost.Servers;

/// <summary>
/// Every service signs in to RabbitMQ as a user of its own, and reaches only what it publishes to or takes from. The broker itself makes
/// the users, from its definitions.
/// </summary>
internal static class BrokerUsers
{
    private const string Folder = "/etc/rabbitmq";
    private const string DefinitionsFile = "platform-definitions.json";

    /// <summary>A user of the broker, named like the service.</summary>
    private sealed record BrokerUser(string Service, ParameterResource Password) : IResourceAnnotation;

    /// <summary>The service reaches the broker as its own user, and does not know the administrator.</summary>
    public static IResourceBuilder<ProjectResource> WithBroker(
        this IResourceBuilder<ProjectResource> service,
        IResourceBuilder<RabbitMQServerResource> rabbitmq
    )
    {
        var (builder, name) = (service.ApplicationBuilder, service.Resource.Name);
        var password = builder.AddSecret($"{name}-broker-password");
        rabbitmq.WithAnnotation(new BrokerUser(name, password.Resource));
        var endpoint = rabbitmq.GetEndpoint("tcp");
        var (host, port) = (endpoint.Property(EndpointProperty.Host), endpoint.Property(EndpointProperty.Port));
        var connection = builder.AddConnectionString(
            $"{name}-broker",
            ReferenceExpression.Create($"amqp://{name}:{password:uri}@{host}:{port}")
        );
        return service.WithReference(connection, connectionName: "rabbitmq").WaitFor(rabbitmq);
    }

    /// <summary>For a broker that is a process of this machine: in its environment.</summary>
    public static void WithDefinitions<T>(this IResourceBuilder<T> process, RabbitMQServerResource rabbitmq)
        where T : IResourceWithEnvironment =>
        process.WithEnvironment(async context =>
            context.EnvironmentVariables["DEFINITIONS"] = await ReadAsync(
                process.ApplicationBuilder.AppHostDirectory,
                rabbitmq,
                context.CancellationToken
            )
        );

    /// <summary>For a broker in a container: as files.</summary>
    public static void WithDefinitions(this IResourceBuilder<RabbitMQServerResource> rabbitmq) =>
        rabbitmq.WithContainerFiles(Folder, async (_, cancellationToken) =>
            [
                new ContainerFile
                {
                    Name = DefinitionsFile,
                    Contents = await ReadAsync(rabbitmq.ApplicationBuilder.AppHostDirectory, rabbitmq.Resource, cancellationToken),
                },
                new ContainerDirectory
                {
                    Name = "conf.d",
                    Entries =
                    [
                        new ContainerFile { Name = "20-platform.conf", Contents = $"load_definitions = {Folder}/{DefinitionsFile}\n" },
                    ],
                },
            ]
        );

    private static async Task<string> ReadAsync(string appHost, RabbitMQServerResource rabbitmq, CancellationToken cancellationToken)
    {
        var values = new Dictionary<string, string>
        {
            ["RABBITMQ_DEFAULT_USER"] = (await rabbitmq.UserNameReference.GetValueAsync(cancellationToken))!,
            ["RABBITMQ_DEFAULT_PASS"] = (await rabbitmq.PasswordParameter.GetValueAsync(cancellationToken))!,
        };
        foreach (var user in rabbitmq.Annotations.OfType<BrokerUser>())
        {
            values[BrokerDefinitions.PasswordOf(user.Service)] = (await user.Password.GetValueAsync(cancellationToken))!;
        }

        return BrokerDefinitions.Fill(Path.Combine(appHost, ".."), values);
    }
}
