using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using Npgsql;
using Platform.Contracts.Catalogue;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.Events;
using Platform.ServiceDefaults.State;
using Platform.ServiceDefaults.Telemetry;

namespace Platform.ServiceDefaults;

/// <summary>What every service does the same way.</summary>
public static class ServiceHost
{
    /// <summary>
    /// Telemetry, health and two ports: gRPC speaks HTTP/2 on the port that <c>GRPC_PORT</c> names, everything else HTTP/1.1 on the others,
    /// because without TLS a port cannot tell the two apart.
    /// </summary>
    public static void AddServiceDefaults(this WebApplicationBuilder builder, string service)
    {
        StartFailure.Explain(service);
        // Unicode's tables come with ICU, and so do the habits of the machine's language, which have no place in answers and records.
        CultureInfo.DefaultThreadCurrentCulture = CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        builder.Services.AddSingleton(new ServiceIdentity(service));
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.AddTelemetry();
        builder.Services.AddHealthChecks().AddCheck("self", () => HealthCheckResult.Healthy(), ["live"]);
        builder.Services.AddHealthMetric();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.AddServerHeader = false);
        if (builder.Configuration.GetValue<int?>("GRPC_PORT") is { } grpcPort)
        {
            builder.ListenForGrpc(grpcPort);
        }
    }

    // The port is added to the configured addresses (ASPNETCORE_URLS or ASPNETCORE_HTTP_PORTS) and listens on the same interfaces.
    private static void ListenForGrpc(this WebApplicationBuilder builder, int port)
    {
        var urls = builder.WebHost.GetSetting(WebHostDefaults.ServerUrlsKey)
            ?? string.Join(
                ';',
                (builder.WebHost.GetSetting(WebHostDefaults.HttpPortsKey) ?? "8080").Split(';').Select(http => $"http://*:{http}")
            );
        var host = urls.Contains("//localhost:", StringComparison.Ordinal) ? "localhost" : "*";
        builder.WebHost.UseUrls($"{urls};http://{host}:{port}");
        builder.WebHost.ConfigureKestrel(kestrel =>
            kestrel.ConfigureEndpointDefaults(endpoint =>
                endpoint.Protocols = endpoint.IPEndPoint?.Port == port ? HttpProtocols.Http2 : HttpProtocols.Http1
            )
        );
    }

    /// <summary>
    /// The service's PostgreSQL database as its application role (connection string <c>&lt;service&gt;</c>), with unit of work, outbox
    /// relay, idempotency and confirmations. <paramref name="constraints"/> says what violated constraints mean to a caller.
    /// </summary>
    public static void AddServiceDatabase(this WebApplicationBuilder builder, Action<ConstraintProblems>? constraints = null)
    {
        var service = builder.Service();
        builder.AddNpgsqlDataSource(service.Name, configureDataSourceBuilder: database => Configure(database, service));
        var problems = new ConstraintProblems()
            .Add("task_of_caller", () => Journal.UnknownTask())
            .Add("task_in_environment", () => Journal.TaskElsewhere());
        constraints?.Invoke(problems);
        builder.Services.AddSingleton(problems);
        builder.Services.AddSingleton<OutboxSignal>();
        builder.Services.AddSingleton<Confirmations>();
        builder.Services.AddSingleton<UnitOfWork>();
        builder.Services.AddSingleton<LeaderLoop>();
        builder.Services.AddSingleton<OutboxState>();
        builder.Services.AddHealthChecks().AddCheck<OutboxState>("outbox", HealthStatus.Degraded);
        builder.Services.AddHostedService<OutboxRelay>();
        builder.Services.AddDataProtection().SetApplicationName($"platform-{service.Name}");
        builder.Services.AddSingleton<IConfigureOptions<KeyManagementOptions>>(services => new ConfigureOptions<KeyManagementOptions>(
            options => options.XmlRepository = new DatabaseKeyRing(services.GetRequiredService<NpgsqlDataSource>())
        ));
    }

    /// <summary>
    /// A login of its own for work that the application role must not be able to do: the role <c>&lt;service&gt;_&lt;work&gt;</c>, by the
    /// connection string of the same name. The work leads through a <see cref="LeaderLoop"/> with that role as its key. A migration has to
    /// make the role and let it in; the setting <c>Database:&lt;work&gt;Password</c> of the migrations is its password.
    /// </summary>
    public static void AddServiceLogin(this WebApplicationBuilder builder, string work)
    {
        var service = builder.Service();
        var role = service.Role(work);
        builder.AddKeyedNpgsqlDataSource(role, configureDataSourceBuilder: database => Configure(database, service));
        builder.Services.AddSingleton(new ServiceLogin(work));
        builder.Services.AddKeyedSingleton(role, (services, _) =>
            ActivatorUtilities.CreateInstance<LeaderLoop>(services, services.GetRequiredKeyedService<NpgsqlDataSource>(role))
        );
    }

    private static void Configure(NpgsqlDataSourceBuilder database, ServiceIdentity service)
    {
        database.ConnectionStringBuilder.ApplicationName = service.Name;
        database.ConnectionStringBuilder.MaxAutoPrepare = 100;
        database.ConnectionStringBuilder.AutoPrepareMinUsages = 2;
        // Settings, roles and locks end with their transaction. Code that takes them for a session resets them itself.
        database.ConnectionStringBuilder.NoResetOnClose = true;
        // Workers look for work several times a second. Only statements that belong to a trace get a span.
        database.ConfigureTracing(tracing =>
            tracing.ConfigureCommandFilter(_ => Activity.Current is not null).ConfigureBatchFilter(_ => Activity.Current is not null)
        );
    }

    /// <summary>The gRPC server. Every rpc passes the interceptor that enforces the contract.</summary>
    public static void AddToolsets(this WebApplicationBuilder builder, ToolCatalogue catalogue)
    {
        builder.Services.AddSingleton(catalogue);
        builder.Services.AddSingleton<AssertionValidator>();
        builder.Services.TryAddSingleton<ConstraintProblems>();
        builder.Services.TryAddSingleton<IAssertionKeys, IdentityAssertionKeys>();
        builder.Services.AddHttpClient(IdentityAssertionKeys.ClientName, (services, client) =>
        {
            client.BaseAddress = new Uri(services.GetRequiredService<IConfiguration>().ServiceAddress("identity", "http"), "/");
            client.Timeout = TimeSpan.FromSeconds(5);
        });
        builder.Services.AddGrpc(grpc =>
        {
            grpc.MaxReceiveMessageSize = ServiceChannel.MaxMessageBytes;
            grpc.MaxSendMessageSize = ServiceChannel.MaxMessageBytes;
            grpc.Interceptors.Add<CallInterceptor>();
        });
    }

    /// <summary>
    /// <c>/health</c> (ready: 503 only while the process cannot serve; what else is wrong is in the body), <c>/alive</c> and
    /// <c>/metrics</c>.
    /// </summary>
    public static void MapServiceDefaults(this WebApplication app)
    {
        app.MapHealthChecks("/health", new HealthCheckOptions { ResponseWriter = HealthReports.WriteAsync });
        app.MapHealthChecks("/alive", new HealthCheckOptions { Predicate = check => check.Tags.Contains("live") });
        app.MapGet("/metrics", (PrometheusReader metrics) => Results.Text(metrics.Scrape(), "text/plain; version=0.0.4"));
    }

    /// <summary>
    /// Runs the service with <see cref="MapServiceDefaults"/>; with the argument <c>migrate</c> it brings its database up to date instead,
    /// and ends. A migration needs only the database, so nothing else is started before it.
    /// </summary>
    public static async Task RunServiceAsync(this WebApplication app, string[] args)
    {
        if (!args.Contains("migrate"))
        {
            app.MapServiceDefaults();
            await app.RunAsync();
            return;
        }

        await app.Services.MigrateAsync(Assembly.GetEntryAssembly()!, CancellationToken.None);
        await app.DisposeAsync();
    }

    /// <summary>Applies the migrations that <paramref name="migrations"/> embeds, after the ones that all services share.</summary>
    public static Task MigrateAsync(this IServiceProvider services, Assembly migrations, CancellationToken cancellationToken)
    {
        var configuration = services.GetRequiredService<IConfiguration>();
        var service = services.GetRequiredService<ServiceIdentity>();
        return new Migrator(
            service,
            configuration.GetConnectionString($"{service.Name}db")
                ?? throw new WrongSettingException($"The connection string '{service.Name}db' is missing."),
            Password("app"),
            services.GetServices<ServiceLogin>().ToDictionary(login => service.Role(login.Work), login => Password(login.Work)),
            migrations,
            services.GetRequiredService<ILogger<Migrator>>()
        ).ApplyAsync(cancellationToken);

        string Password(string login) =>
            configuration[$"Database:{login}Password"]
            ?? throw new WrongSettingException($"Database:{char.ToUpperInvariant(login[0])}{login[1..]}Password is missing.");
    }

    /// <summary>
    /// A gRPC client of another service, at the address that service discovery gave it. No answer is the problem UNAVAILABLE.
    /// </summary>
    public static IHttpClientBuilder AddServiceClient<T>(this IServiceCollection services, string service)
        where T : class =>
        services
            .AddGrpcClient<T>(
                (provider, client) => client.Address = provider.GetRequiredService<IConfiguration>().ServiceAddress(service, "grpc")
            )
            .ConfigureChannel(ServiceChannel.Configure)
            .ConfigurePrimaryHttpMessageHandler(ServiceChannel.CreateHandler)
            .AddInterceptor(provider => new UnansweredCalls(service, provider.GetRequiredService<ILogger<UnansweredCalls>>()));

    /// <summary>The address that service discovery gave an endpoint of a service.</summary>
    public static Uri ServiceAddress(this IConfiguration configuration, string service, string endpoint) =>
        new(
            configuration[$"services:{service}:{endpoint}:0"]
                ?? throw new WrongSettingException($"services:{service}:{endpoint}:0 is missing: nothing says where {service} is.")
        );

    private static ServiceIdentity Service(this WebApplicationBuilder builder) =>
        (ServiceIdentity)builder.Services.Last(registered => registered.ServiceType == typeof(ServiceIdentity)).ImplementationInstance!;
}
