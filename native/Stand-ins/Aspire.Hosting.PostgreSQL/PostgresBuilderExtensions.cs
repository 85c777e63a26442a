using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Native;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;
using Platform.Native.Servers;

namespace Aspire.Hosting;

public static class PostgresBuilderExtensions
{
    private const string DataPath = "/var/lib/postgresql";

    public static IResourceBuilder<PostgresServerResource> AddPostgres(this IDistributedApplicationBuilder builder,
        [ResourceName] string name,
        IResourceBuilder<ParameterResource>? userName = null, IResourceBuilder<ParameterResource>? password = null, int? port = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var parameter = password?.Resource
            ?? ParameterResourceBuilderExtensions.CreateDefaultPasswordParameter(builder, $"{name}-password");
        var server = new PostgresServerResource(name, userName?.Resource, parameter);
        var key = $"{name}_check";
        AddHealthCheck(builder, key, server, "postgres");
        return builder.AddResource(server)
            .WithAnnotation(new ContainerImageAnnotation { Registry = "docker.io", Image = "library/postgres", Tag = "18.3" })
            .WithEnvironment("POSTGRES_HOST_AUTH_METHOD", "scram-sha-256")
            .WithEnvironment("POSTGRES_INITDB_ARGS", "--auth-host=scram-sha-256 --auth-local=scram-sha-256")
            .WithEnvironment(context =>
            {
                context.EnvironmentVariables["POSTGRES_USER"] = server.UserNameReference;
                context.EnvironmentVariables["POSTGRES_PASSWORD"] = server.PasswordParameter;
            })
            .WithEndpoint(port: port, targetPort: 5432, name: PostgresServerResource.PrimaryEndpointName)
            .WithIconName("DatabaseMultiple")
            .WithHealthCheck(key)
            .WithAnnotation(new NativeServerAnnotation(async (context, token) => await PostgresServer.StartAsync(new PostgresOptions
            {
                DataDirectory = context.DataDirectory,
                Port = context.PortOf(PostgresServerResource.PrimaryEndpointName),
                UserName = await server.UserNameReference.GetValueAsync(token) ?? "postgres",
                Password = await server.PasswordParameter.GetValueAsync(token),
                Durable = context.Settings.Durable,
                OnLine = context.Say,
            }, token)))
            .OnResourceReady((resource, _, token) => CreateDatabasesAsync(builder, resource, token));
    }

    public static IResourceBuilder<PostgresDatabaseResource> AddDatabase(
        this IResourceBuilder<PostgresServerResource> builder, [ResourceName] string name, string? databaseName = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        databaseName ??= name;
        var database = new PostgresDatabaseResource(name, databaseName, builder.Resource);
        builder.Resource.AddDatabase(name, databaseName);
        var key = $"{name}_check";
        AddHealthCheck(builder.ApplicationBuilder, key, builder.Resource, databaseName);
        return builder.ApplicationBuilder.AddResource(database)
            .WithParentRelationship(builder.Resource)
            .WithIconName("Database")
            .WithHealthCheck(key);
    }

    public static IResourceBuilder<PostgresDatabaseResource> WithCreationScript(this IResourceBuilder<PostgresDatabaseResource> builder,
        string script)
    {
        ArgumentNullException.ThrowIfNull(script);
        return builder.WithAnnotation(new CreationScriptAnnotation(script), ResourceAnnotationMutationBehavior.Replace);
    }

    public static IResourceBuilder<PostgresServerResource> WithDataVolume(
        this IResourceBuilder<PostgresServerResource> builder, string? name = null, bool isReadOnly = false) =>
        builder.WithData(DataPath, name, isReadOnly);

    public static IResourceBuilder<PostgresServerResource> WithDataBindMount(
        this IResourceBuilder<PostgresServerResource> builder, string source, bool isReadOnly = false) =>
        builder.WithDataFrom(DataPath, source, isReadOnly);

    public static IResourceBuilder<PostgresServerResource> WithHostPort(this IResourceBuilder<PostgresServerResource> builder, int? port) =>
        builder.WithEndpoint(PostgresServerResource.PrimaryEndpointName, endpoint => endpoint.Port = port);

    public static IResourceBuilder<PostgresServerResource> WithPassword(
        this IResourceBuilder<PostgresServerResource> builder, IResourceBuilder<ParameterResource> password)
    {
        builder.Resource.PasswordParameter = password.Resource;
        return builder;
    }

    public static IResourceBuilder<PostgresServerResource> WithUserName(
        this IResourceBuilder<PostgresServerResource> builder, IResourceBuilder<ParameterResource> userName)
    {
        builder.Resource.UserNameParameter = userName.Resource;
        return builder;
    }

    private static void AddHealthCheck(IDistributedApplicationBuilder builder, string key, PostgresServerResource server,
        string database) =>
        builder.Services.AddHealthChecks().Add(new HealthCheckRegistration(key, _ =>
            new ConnectionHealthCheck(server, database), null, null));

    private static async Task<NpgsqlDataSource> SourceAsync(PostgresServerResource server, string database,
        CancellationToken cancellationToken)
    {
        var builder = new NpgsqlConnectionStringBuilder(await server.GetConnectionStringAsync(cancellationToken))
        {
            Database = database,
            Pooling = false,
            Timeout = 10,
        };
        return NpgsqlDataSource.Create(builder);
    }

    private static async Task CreateDatabasesAsync(
        IDistributedApplicationBuilder builder, PostgresServerResource server, CancellationToken cancellationToken)
    {
        await using var source = await SourceAsync(server, "postgres", cancellationToken);
        foreach (var database in builder.Resources.OfType<PostgresDatabaseResource>().Where(d =>
            ReferenceEquals(d.Parent, server)).ToList())
        {
            var script = database.TryGetLastAnnotation<CreationScriptAnnotation>(out var own)
                ? own.Script
                : $"CREATE DATABASE \"{database.DatabaseName.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
            try
            {
                await using var command = source.CreateCommand(script);
                await command.ExecuteNonQueryAsync(cancellationToken);
            }
            catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.DuplicateDatabase)
            {
                // It is there from an earlier run.
            }
        }
    }

    private sealed class CreationScriptAnnotation(string script) : IResourceAnnotation
    {
        public string Script { get; } = script;
    }

    private sealed class ConnectionHealthCheck(PostgresServerResource server, string database) : IHealthCheck
    {
        public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
        {
            try
            {
                await using var source = await SourceAsync(server, database, cancellationToken);
                await using var command = source.CreateCommand("SELECT 1");
                await command.ExecuteScalarAsync(cancellationToken);
                return HealthCheckResult.Healthy();
            }
            catch (NpgsqlException e)
            {
                return new HealthCheckResult(context.Registration.FailureStatus, e.Message);
            }
        }
    }
}
