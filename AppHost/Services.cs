using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Platform.AppHost.Servers;
using Platform.AppHost.StartUp;
using Platform.Servers;
using Platform.ServiceDefaults;
using Platform.ServiceDefaults.Telemetry;

namespace Platform.AppHost;

/// <summary>What the map leaves out: how one of our services is run.</summary>
internal static class Services
{
    private const string Realm = "/realms/platform";

    /// <summary>
    /// A service with its own database, reached as a role that cannot bypass row-level security. A run of the same program with the
    /// argument <c>migrate</c>, which alone knows the administrator, comes before it.
    /// </summary>
    /// <param name="logins">Work that has a login of its own in the database, see <c>AddServiceLogin</c>.</param>
    public static IResourceBuilder<ProjectResource> AddService<T>(
        this IDistributedApplicationBuilder builder,
        string name,
        IResourceBuilder<PostgresServerResource> postgres,
        IResourceBuilder<RabbitMQServerResource> rabbitmq,
        params string[] logins
    )
        where T : IProjectMetadata, new()
    {
        var database = postgres.AddDatabase($"{name}db");
        var migrations = builder
            .AddProject<T>($"{name}-migrations", options => options.ExcludeLaunchProfile = true)
            .WithArgs("migrate")
            .WithReference(database)
            .WaitFor(database);
        var service = builder.AddHttpAndGrpc<T>(name).WithBroker(rabbitmq).WaitForCompletion(migrations);
        service.WithLogin(migrations, postgres, "app", connectionName: name);
        foreach (var login in logins)
        {
            service.WithLogin(migrations, postgres, login, connectionName: $"{name}_{login}");
        }

        return service;
    }

    /// <summary>The service signs in to its database as a role, to which the migrations give the password.</summary>
    private static void WithLogin(
        this IResourceBuilder<ProjectResource> service,
        IResourceBuilder<ProjectResource> migrations,
        IResourceBuilder<PostgresServerResource> postgres,
        string login,
        string connectionName
    )
    {
        var (builder, name) = (service.ApplicationBuilder, service.Resource.Name);
        var password = builder.AddSecret($"{name}-{login}-password");
        var endpoint = postgres.GetEndpoint("tcp");
        var (host, port) = (endpoint.Property(EndpointProperty.Host), endpoint.Property(EndpointProperty.Port));
        var connection = builder.AddConnectionString(
            $"{name}-{login}",
            ReferenceExpression.Create($"Host={host};Port={port};Username={name}_{login};Password={password};Database={name}db")
        );
        service.WithReference(connection, connectionName: connectionName);
        migrations.WithEnvironment($"Database__{char.ToUpperInvariant(login[0])}{login[1..]}Password", password);
    }

    public static IResourceBuilder<ProjectResource> AddEdge<T>(
        this IDistributedApplicationBuilder builder,
        string name,
        IResourceBuilder<RedisResource> redis,
        IResourceBuilder<KeycloakResource> keycloak
    )
        where T : IProjectMetadata, new()
    {
        var edge = builder
            .AddProject<T>(name, options => options.ExcludeLaunchProfile = true)
            .WithEnvironment(
                "ASPNETCORE_ENVIRONMENT",
                builder.ExecutionContext.IsRunMode ? builder.Environment.EnvironmentName : Environments.Production
            )
            .WithDirectEndpoint("http", port: builder.Configuration.PortOf(Settings.EdgePort))
            .WithExternalHttpEndpoints()
            .WithHttpHealthCheck("/health", endpointName: "http")
            .WithSmallHeap()
            .WithReference(redis);
        if (builder.ExecutionContext.IsRunMode)
        {
            var spool = Path.Combine(builder.Artifacts(), "edge-spool");
            OwnersFile.CreateFolder(spool);
            edge.WithEnvironment("Edge__Audit__SpoolDirectory", spool);
        }

        return edge.WithEnvironment("Edge__PublicUrl", builder.PublicUrl(edge))
            .WithEnvironment("Edge__Issuer", builder.Issuer(edge))
            .WithEnvironment("Edge__Access__InternalIssuer", ReferenceExpression.Create($"{keycloak.GetEndpoint("http")}{Realm}"))
            .WithEnvironment("Edge__AllowLoopbackOrigins", builder.IsDevelopmentRun() ? "true" : "false")
            .WithSettings("Edge:Proxies")
            .WithSettings("Edge:Access");
    }

    /// <summary>
    /// Identity keeps the realm as the file in identity/realm says, for this edge as the only resource. People and clients reach Keycloak
    /// through the edge, which tells it who they are; its own port is for identity and the edge.
    /// </summary>
    public static void WithKeycloak(
        this IResourceBuilder<ProjectResource> identity,
        IResourceBuilder<KeycloakResource> keycloak,
        IResourceBuilder<ProjectResource> edge
    )
    {
        var builder = identity.ApplicationBuilder;
        keycloak
            .WithEnvironment("PLATFORM_EDGE_URL", builder.PublicUrl(edge))
            .WithEnvironment("KC_HOSTNAME", builder.PublicOrigin(edge))
            .WithEnvironment("KC_HTTP_ENABLED", "true")
            .WithEnvironment("KC_PROXY_HEADERS", "xforwarded");
        identity
            .WithReference(keycloak)
            .WithEnvironment("Edge__PublicUrl", builder.PublicUrl(edge))
            .WithEnvironment("Keycloak__Url", keycloak.GetEndpoint("http"))
            .WithEnvironment("Keycloak__PublicUrl", builder.PublicOrigin(edge))
            .WithSettings("Keycloak:Clients")
            .WithSettings("Keycloak:RedirectHosts")
            .WithSettings("Keycloak:RedirectSchemes")
            .WithSettings("Keycloak:CreateAccounts")
            .WithEnvironment("Keycloak__ClientSecret", builder.AddSecret("keycloak-identity-secret"))
            .WithEnvironment("Keycloak__AdminUsername", KeycloakResource.AdminUserName)
            .WithEnvironment("Keycloak__AdminPassword", keycloak.Resource.AdminPassword);
    }

    /// <summary>
    /// Mails leave by the server of the settings <c>Mail:*</c>. In development, when there is none, they land in <c>artifacts/mail</c>.
    /// </summary>
    public static void WithMail(this IResourceBuilder<ProjectResource> directory, IResourceBuilder<ProjectResource> edge)
    {
        var builder = directory.ApplicationBuilder;
        directory.WithEnvironment("Edge__PublicUrl", builder.PublicUrl(edge)).WithSettings("Mail");
        if (MailFolder(builder) is { } folder)
        {
            // It is there before the first mail, because the start-up names it. Links in mails let people in: nobody else may read them.
            OwnersFile.CreateFolder(folder);
            directory.WithEnvironment("Mail__Sink", folder);
        }
    }

    /// <summary>Where mails land in development; null when they leave, or wait for settings.</summary>
    public static string? MailFolder(this IDistributedApplicationBuilder builder) =>
        builder.IsDevelopmentRun() && string.IsNullOrEmpty(builder.Configuration["Mail:Host"])
            ? Path.Combine(builder.Artifacts(), "mail")
            : null;

    /// <summary>
    /// Gives a service that acts by itself an identity of its own: a secret that it shows to identity for assertions.
    /// </summary>
    /// <param name="setting">Where the service reads it.</param>
    public static void AddServiceSecret(
        this IResourceBuilder<ProjectResource> identity,
        IResourceBuilder<ProjectResource> service,
        string setting
    )
    {
        var secret = identity.ApplicationBuilder.AddSecret($"{service.Resource.Name}-service-secret");
        service.WithEnvironment(setting, secret);
        identity.WithEnvironment($"Services__{service.Resource.Name}__Secret", secret);
    }

    /// <summary>
    /// In development there is a demo workspace with an owner, an editor and a viewer, and Datadog's intake is a port of this machine on
    /// which the demo listens.
    /// </summary>
    public static void AddDemo(
        this IDistributedApplicationBuilder builder,
        IResourceBuilder<ProjectResource> directory,
        IResourceBuilder<ProjectResource> identity,
        IResourceBuilder<ProjectResource> audit
    )
    {
        if (!builder.IsDevelopmentRun())
        {
            return;
        }

        directory.WithEnvironment("Demo__Seed", "true");
        identity.WithEnvironment("Demo__Seed", "true").WithEnvironment("Demo__CredentialsPath", EndpointsFile.CredentialsPath(builder));
        audit.WithEnvironment(
            "Audit__Sinks__Datadog__datadoghq.com",
            builder.Configuration["Demo:DatadogIntake"] ?? "http://127.0.0.1:18126"
        );
    }

    /// <summary>On a developer's machine, and not while a deployment is described.</summary>
    public static bool IsDevelopmentRun(this IDistributedApplicationBuilder builder) =>
        builder.ExecutionContext.IsRunMode && builder.Environment.IsDevelopment();

    /// <summary>Hands the settings of a section on to a service, such as <c>--Edge:Access:ReadsPerSecond=100</c>.</summary>
    private static IResourceBuilder<ProjectResource> WithSettings(this IResourceBuilder<ProjectResource> service, string section)
    {
        foreach (var (key, value) in service.ApplicationBuilder.Configuration.GetSection(section).AsEnumerable())
        {
            if (value is not null)
            {
                service.WithEnvironment(key.Replace(":", "__", StringComparison.Ordinal), value);
            }
        }

        return service;
    }

    /// <summary>Where the suite keeps what it makes: <c>artifacts</c> of the checkout, or the setting <c>Artifacts</c>.</summary>
    public static string Artifacts(this IDistributedApplicationBuilder builder)
    {
        var folder = Path.GetFullPath(builder.Configuration["Artifacts"] ?? Path.Combine("..", "artifacts"), builder.AppHostDirectory);
        try
        {
            System.IO.Directory.CreateDirectory(folder);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new WrongSettingException($"The folder {folder} (setting Artifacts) cannot be made: {exception.Message}");
        }

        return folder;
    }

    /// <summary>
    /// The URL that MCP clients use, from the setting <c>PublicUrl</c>. It is the audience of tokens, and goes into metadata and documents.
    /// </summary>
    private static ReferenceExpression PublicUrl(this IDistributedApplicationBuilder builder, IResourceBuilder<ProjectResource> edge) =>
        builder.Configuration["PublicUrl"] is { Length: > 0 } url
            ? ReferenceExpression.Create($"{url}")
            : ReferenceExpression.Create($"{edge.SeenByPeople()}/mcp");

    /// <summary>Where people sign in, and what every access token names as its issuer: at the origin of the MCP URL.</summary>
    public static ReferenceExpression Issuer(this IDistributedApplicationBuilder builder, IResourceBuilder<ProjectResource> edge) =>
        ReferenceExpression.Create($"{builder.PublicOrigin(edge)}{Realm}");

    // The same address for everybody who is told of it. Otherwise a container would be told an address of the containers' network.
    private static EndpointReference SeenByPeople(this IResourceBuilder<ProjectResource> edge) =>
        new(edge.Resource, "http", KnownNetworkIdentifiers.LocalhostNetwork);

    /// <summary>The one origin that people, clients and mails know: scheme and host of the MCP URL.</summary>
    private static ReferenceExpression PublicOrigin(this IDistributedApplicationBuilder builder, IResourceBuilder<ProjectResource> edge) =>
        builder.Configuration["PublicUrl"] is { Length: > 0 } url
            ? ReferenceExpression.Create($"{new Uri(url).GetLeftPart(UriPartial.Authority)}")
            : ReferenceExpression.Create($"{edge.SeenByPeople()}");

    private static IResourceBuilder<ProjectResource> AddHttpAndGrpc<T>(this IDistributedApplicationBuilder builder, string name)
        where T : IProjectMetadata, new() =>
        builder
            .AddProject<T>(name, options => options.ExcludeLaunchProfile = true)
            .WithEnvironment(
                "ASPNETCORE_ENVIRONMENT",
                builder.ExecutionContext.IsRunMode ? builder.Environment.EnvironmentName : Environments.Production
            )
            .WithDirectEndpoint("http")
            .WithDirectEndpoint("grpc", env: "GRPC_PORT")
            .WithHttpHealthCheck("/health", endpointName: "http")
            .WithSmallHeap();

    // On a person's machine a service has one replica, so that nothing needs to stand between it and its callers.
    private static IResourceBuilder<ProjectResource> WithDirectEndpoint(
        this IResourceBuilder<ProjectResource> service,
        string name,
        string? env = null,
        int? port = null
    ) =>
        service.ApplicationBuilder.ExecutionContext.IsRunMode
            ? service.WithHttpEndpoint(name: name, env: env, port: port ?? FreePorts.Next(), isProxied: false)
            : service.WithHttpEndpoint(name: name, env: env, port: port);

    // By default the heap grows to the size of the processor's cache before the first collection, and glibc keeps what the compiler has
    // freed. Our services keep little of what they allocate, so a few MiB between collections are enough. All four are read from the
    // environment only.
    private static IResourceBuilder<ProjectResource> WithSmallHeap(this IResourceBuilder<ProjectResource> service) =>
        service
            .WithEnvironment("DOTNET_GCgen0size", "0x400000")
            .WithEnvironment("DOTNET_GCGen0MaxBudget", "0x600000")
            .WithEnvironment("MALLOC_ARENA_MAX", "2")
            .WithEnvironment("MALLOC_TRIM_THRESHOLD_", "131072");

    public static IResourceBuilder<ParameterResource> AddSecret(this IDistributedApplicationBuilder builder, string name) =>
        builder.AddParameter(name, new GenerateParameterDefault { MinLength = 32, Special = false }, secret: true, persist: true);
}
