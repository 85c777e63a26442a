using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Native;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Platform.Native.Servers;

namespace Aspire.Hosting;

public static class KeycloakResourceBuilderExtensions
{
    private const string DataPath = "/opt/keycloak/data";
    private const string Primary = "http";
    private const string Management = "management";

    public static IResourceBuilder<KeycloakResource> AddKeycloak(this IDistributedApplicationBuilder builder, [ResourceName] string name,
        int? port = null,
        IResourceBuilder<ParameterResource>? adminUsername = null, IResourceBuilder<ParameterResource>? adminPassword = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var password = adminPassword?.Resource
            ?? ParameterResourceBuilderExtensions.CreateDefaultPasswordParameter(builder, $"{name}-password");
        var resource = new KeycloakResource(name, adminUsername?.Resource, password);
        return builder.AddResource(resource)
            .WithAnnotation(new ContainerImageAnnotation { Registry = "quay.io", Image = "keycloak/keycloak", Tag = "26.6" })
            .WithIconName("PersonLock")
            .WithHttpEndpoint(port: port, targetPort: 8080)
            .WithHttpEndpoint(targetPort: 9000, name: Management)
            .WithEndpoint(Management, endpoint => endpoint.ExcludeReferenceEndpoint = true)
            .WithHttpHealthCheck(endpointName: Management, path: "/health/ready")
            .WithOtlpExporter()
            .WithEnvironment(context =>
            {
                context.EnvironmentVariables["KC_BOOTSTRAP_ADMIN_USERNAME"] = resource.AdminReference;
                context.EnvironmentVariables["KC_BOOTSTRAP_ADMIN_PASSWORD"] = resource.AdminPasswordParameter;
                context.EnvironmentVariables["KC_HEALTH_ENABLED"] = "true";
                if (resource.EnabledFeatures.Count > 0)
                    context.EnvironmentVariables["KC_FEATURES"] = string.Join(',', resource.EnabledFeatures);
                if (resource.DisabledFeatures.Count > 0)
                    context.EnvironmentVariables["KC_FEATURES_DISABLED"] = string.Join(',', resource.DisabledFeatures);
            })
            .WithUrlForEndpoint(Management, url => url.DisplayLocation = UrlDisplayLocation.DetailsOnly)
            .WithArgs(builder.ExecutionContext.IsRunMode ? "start-dev" : "start")
            .WithArgs("--import-realm")
            .WithAnnotation(new NativeServerAnnotation((context, token) => StartAsync(resource, context, token)));
    }

    public static IResourceBuilder<KeycloakResource> WithRealmImport(this IResourceBuilder<KeycloakResource> builder, string import)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(import);
        var source = Path.GetFullPath(import, builder.ApplicationBuilder.AppHostDirectory);
        builder.Resource.Imports.Add(source);
        return builder.WithAnnotation(new ContainerMountAnnotation(source, $"{DataPath}/import", ContainerMountType.BindMount, isReadOnly: false));
    }

    [Obsolete("Use WithRealmImport(string import) instead.")]
    public static IResourceBuilder<KeycloakResource> WithRealmImport(this IResourceBuilder<KeycloakResource> builder, string import,
        bool isReadOnly) =>
        builder.WithRealmImport(import);

    public static IResourceBuilder<KeycloakResource> WithDataVolume(this IResourceBuilder<KeycloakResource> builder, string? name = null) =>
        builder.WithData(DataPath, name, isReadOnly: false);

    public static IResourceBuilder<KeycloakResource> WithDataBindMount(this IResourceBuilder<KeycloakResource> builder, string source) =>
        builder.WithDataFrom(DataPath, source, isReadOnly: false);

    public static IResourceBuilder<KeycloakResource> WithEnabledFeatures(this IResourceBuilder<KeycloakResource> builder,
        params string[] features)
    {
        builder.Resource.EnabledFeatures.UnionWith(features);
        builder.Resource.DisabledFeatures.ExceptWith(features);
        return builder;
    }

    public static IResourceBuilder<KeycloakResource> WithDisabledFeatures(this IResourceBuilder<KeycloakResource> builder,
        params string[] features)
    {
        builder.Resource.DisabledFeatures.UnionWith(features);
        builder.Resource.EnabledFeatures.ExceptWith(features);
        return builder;
    }

    private static async Task<LocalServer?> StartAsync(KeycloakResource resource, NativeServerContext context,
        CancellationToken cancellationToken)
    {
        var wanted = context.Settings.Keycloak;
        string? home = null;
        if (wanted == NativeSettings.EmbeddedKeycloak)
            Tell(resource, context, $"Native:Keycloak is {wanted}.");
        else
            home = await KeycloakServer.FindHomeAsync(context.Settings.Root, text => Tell(resource, context, text), cancellationToken);
        if (home is null)
            return wanted == NativeSettings.GenuineKeycloak ? Without(resource, context, $"Native:Keycloak is {wanted}.")
                : await StartEmbeddedAsync(resource, context, cancellationToken);
        return await KeycloakServer.StartAsync(new KeycloakOptions
        {
            Home = home,
            DataDirectory = context.DataDirectory,
            Port = context.PortOf(Primary),
            ManagementPort = context.PortOf(Management),
            HostName = "localhost",
            Imports = resource.Imports,
            AdminUserName = await resource.AdminReference.GetValueAsync(cancellationToken) ?? "admin",
            AdminPassword = await resource.AdminPasswordParameter.GetValueAsync(cancellationToken) ?? "",
            Environment = await context.EnvironmentAsync(cancellationToken),
            Arguments = await context.ArgumentsAsync(cancellationToken),
            OnLine = context.Say,
        }, cancellationToken);
    }

    /// <summary>The same realm files, endpoints and variables, served by native mode itself.</summary>
    private static async Task<LocalServer?> StartEmbeddedAsync(KeycloakResource resource, NativeServerContext context,
        CancellationToken cancellationToken)
    {
        var environment = context.Services.GetRequiredService<IHostEnvironment>();
        if (!environment.IsDevelopment())
            return Without(resource, context, $"The embedded realm is for Development alone, and this is {environment.EnvironmentName}.");
        if (RealmServer.FindProgram(context.Settings.Root) is not { } program)
            return Without(resource, context, "The embedded realm is not built: run native/prepare.");
        var server = await RealmServer.StartAsync(new RealmOptions
        {
            Program = program,
            Host = Launcher.DotnetHost(),
            // Beside what a genuine Keycloak keeps there.
            DataDirectory = Path.Combine(context.DataDirectory, "embedded"),
            Port = context.PortOf(Primary),
            ManagementPort = context.PortOf(Management),
            HostName = "localhost",
            Imports = resource.Imports,
            AdminUserName = await resource.AdminReference.GetValueAsync(cancellationToken) ?? "admin",
            AdminPassword = await resource.AdminPasswordParameter.GetValueAsync(cancellationToken) ?? "",
            Environment = await context.EnvironmentAsync(cancellationToken),
            EnvironmentName = environment.EnvironmentName,
            OnLine = context.Say,
        }, cancellationToken);
        Tell(resource, context, "This is the embedded development realm, in the place of a Keycloak. It is not for production.");
        return server;
    }

    private static LocalServer? Without(KeycloakResource resource, NativeServerContext context, string text)
    {
        Tell(resource, context, $"{text} Everything runs without OAuth; personal tokens work.");
        return null;
    }

    private static void Tell(KeycloakResource resource, NativeServerContext context, string text)
    {
        context.Say(text);
        context.Services.GetRequiredService<ConsoleReporter>().Say(resource.Name, text);
    }
}
