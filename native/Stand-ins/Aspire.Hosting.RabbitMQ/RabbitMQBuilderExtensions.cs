using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Native;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Platform.Native.Servers;

namespace Aspire.Hosting;

public static class RabbitMQBuilderExtensions
{
    private const string DataPath = "/var/lib/rabbitmq";

    public static IResourceBuilder<RabbitMQServerResource> AddRabbitMQ(this IDistributedApplicationBuilder builder,
        [ResourceName] string name,
        IResourceBuilder<ParameterResource>? userName = null, IResourceBuilder<ParameterResource>? password = null, int? port = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        // The password goes into a URI as it is.
        var parameter = password?.Resource
            ?? ParameterResourceBuilderExtensions.CreateDefaultPasswordParameter(builder, $"{name}-password", special: false);
        var rabbit = new RabbitMQServerResource(name, userName?.Resource, parameter);
        var key = $"{name}_check";
        builder.Services.AddHealthChecks().Add(new HealthCheckRegistration(key, _ => new HandshakeHealthCheck(rabbit), null, null));
        return builder.AddResource(rabbit)
            .WithAnnotation(new ContainerImageAnnotation { Registry = "docker.io", Image = "library/rabbitmq", Tag = "4.3" })
            .WithEnvironment(context =>
            {
                context.EnvironmentVariables["RABBITMQ_DEFAULT_USER"] = rabbit.UserNameReference;
                context.EnvironmentVariables["RABBITMQ_DEFAULT_PASS"] = rabbit.PasswordParameter;
            })
            .WithEndpoint(port: port, targetPort: 5672, name: RabbitMQServerResource.PrimaryEndpointName)
            .WithIconName("Mailbox")
            .WithHealthCheck(key)
            .WithAnnotation(new NativeServerAnnotation(async (context, token) => await RabbitServer.StartAsync(new RabbitOptions
            {
                DataDirectory = context.DataDirectory,
                Port = context.PortOf(RabbitMQServerResource.PrimaryEndpointName),
                UserName = await rabbit.UserNameReference.GetValueAsync(token) ?? "guest",
                Password = await rabbit.PasswordParameter.GetValueAsync(token),
                OnLine = context.Say,
            }, token)));
    }

    public static IResourceBuilder<RabbitMQServerResource> WithDataVolume(
        this IResourceBuilder<RabbitMQServerResource> builder, string? name = null, bool isReadOnly = false) =>
        builder.WithData(DataPath, name, isReadOnly);

    public static IResourceBuilder<RabbitMQServerResource> WithDataBindMount(
        this IResourceBuilder<RabbitMQServerResource> builder, string source, bool isReadOnly = false) =>
        builder.WithDataFrom(DataPath, source, isReadOnly);

    private sealed class HandshakeHealthCheck(RabbitMQServerResource rabbit) : IHealthCheck
    {
        public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
            await RabbitServer.AnswersAsync(rabbit.PrimaryEndpoint.Port, cancellationToken)
                ? HealthCheckResult.Healthy()
                : new HealthCheckResult(context.Registration.FailureStatus, "It does not answer the AMQP handshake.");
    }
}
