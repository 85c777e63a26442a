using Platform.AppHost.StartUp;

namespace Platform.AppHost.Servers;

/// <summary>A Keycloak: sign-in at the endpoint <c>http</c>, its health at <c>management</c>.</summary>
internal sealed class KeycloakResource(string name, ParameterResource adminPassword)
    : ContainerResource(name),
        IResourceWithServiceDiscovery
{
    public const string AdminUserName = "admin";

    /// <summary>The first administrator's password.</summary>
    public ParameterResource AdminPassword { get; } = adminPassword;

    /// <summary>The folder of realm files that are imported at the first start.</summary>
    public required string RealmFiles { get; init; }
}

internal static class KeycloakResourceExtensions
{
    // The version that the tests run.
    private const string Tag = "26.7";

    private const string Management = "management";

    public static IResourceBuilder<KeycloakResource> AddKeycloak(
        this IDistributedApplicationBuilder builder,
        string name,
        string realmFiles
    )
    {
        var password = ParameterResourceBuilderExtensions.CreateDefaultPasswordParameter(builder, $"{name}-password");
        var keycloak = new KeycloakResource(name, password) { RealmFiles = Path.GetFullPath(realmFiles, builder.AppHostDirectory) };
        return builder
            .AddResource(keycloak)
            .WithImage("keycloak/keycloak", Tag)
            .WithImageRegistry("quay.io")
            .WithHttpEndpoint(targetPort: 8080, port: builder.Configuration.PortOf(Settings.KeycloakPort))
            .WithHttpEndpoint(targetPort: 9000, name: Management)
            .WithEndpoint(Management, endpoint => endpoint.ExcludeReferenceEndpoint = true)
            .WithHttpHealthCheck("/health/ready", endpointName: Management)
            .WithEnvironment("KC_BOOTSTRAP_ADMIN_USERNAME", KeycloakResource.AdminUserName)
            .WithEnvironment("KC_BOOTSTRAP_ADMIN_PASSWORD", password)
            .WithEnvironment("KC_HEALTH_ENABLED", "true")
            .WithArgs(builder.ExecutionContext.IsRunMode ? "start-dev" : "start", "--import-realm")
            .WithVolume(VolumeNameGenerator.Generate(builder.CreateResourceBuilder(keycloak), "data"), "/opt/keycloak/data")
            .WithBindMount(keycloak.RealmFiles, "/opt/keycloak/data/import", isReadOnly: true);
    }
}
