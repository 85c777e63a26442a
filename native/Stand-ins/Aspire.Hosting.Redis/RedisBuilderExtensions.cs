using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Native;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Platform.Native.Servers;

namespace Aspire.Hosting;

public static class RedisBuilderExtensions
{
    public static IResourceBuilder<RedisResource> AddRedis(this IDistributedApplicationBuilder builder, [ResourceName] string name,
        int? port) =>
        builder.AddRedis(name, port, null);

    public static IResourceBuilder<RedisResource> AddRedis(this IDistributedApplicationBuilder builder, [ResourceName] string name,
        int? port = null,
        IResourceBuilder<ParameterResource>? password = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        // Its clients' connection strings know no commas in a password.
        var parameter = password?.Resource
            ?? ParameterResourceBuilderExtensions.CreateDefaultPasswordParameter(builder, $"{name}-password", special: false);
        var redis = new RedisResource(name, parameter) { Entrypoint = "/bin/sh" };
        var key = $"{name}_check";
        builder.Services.AddHealthChecks().Add(new HealthCheckRegistration(key, _ => new PingHealthCheck(redis), null, null));
        return builder.AddResource(redis)
            .WithAnnotation(new ContainerImageAnnotation { Registry = "docker.io", Image = "library/redis", Tag = "8.6" })
            .WithEnvironment(context =>
            {
                if (redis.PasswordParameter is { } secret)
                    context.EnvironmentVariables["REDIS_PASSWORD"] = secret;
            })
            .WithArgs(context =>
            {
                context.Args.Add("-c");
                context.Args.Add(redis.PasswordParameter is null ? "redis-server" : "redis-server --requirepass $REDIS_PASSWORD");
            })
            .WithEndpoint(port: port, targetPort: 6379, name: RedisResource.PrimaryEndpointName, scheme: "redis")
            .WithIconName("Database")
            .WithHealthCheck(key)
            .WithAnnotation(new NativeServerAnnotation(async (context, token) => await RedisServer.StartAsync(new RedisOptions
            {
                DataDirectory = context.DataDirectory,
                Port = context.PortOf(RedisResource.PrimaryEndpointName),
                Password = redis.PasswordParameter is null ? "" : await redis.PasswordParameter.GetValueAsync(token),
                OnLine = context.Say,
            }, token)));
    }

    public static IResourceBuilder<RedisResource> WithDataVolume(this IResourceBuilder<RedisResource> builder,
        string? name = null, bool isReadOnly = false) =>
        builder.WithData("/data", name, isReadOnly);

    public static IResourceBuilder<RedisResource> WithHostPort(this IResourceBuilder<RedisResource> builder, int? port) =>
        builder.WithEndpoint(RedisResource.PrimaryEndpointName, endpoint => endpoint.Port = port);

    public static IResourceBuilder<RedisResource> WithPassword(
        this IResourceBuilder<RedisResource> builder, IResourceBuilder<ParameterResource>? password)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Resource.PasswordParameter = password?.Resource;
        return builder;
    }

    private sealed class PingHealthCheck(RedisResource redis) : IHealthCheck
    {
        public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
        {
            var password = redis.PasswordParameter is null ? "" : await redis.PasswordParameter.GetValueAsync(cancellationToken);
            return await RedisServer.AnswersAsync(redis.PrimaryEndpoint.Port, password ?? "", cancellationToken)
                ? HealthCheckResult.Healthy()
                : new HealthCheckResult(context.Registration.FailureStatus, "It does not answer PING.");
        }
    }
}
