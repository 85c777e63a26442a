using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using Platform.Identity.Service.Keycloak;
using Platform.ServiceDefaults;

namespace Platform.Identity.Service.Realm;

internal static class RealmSetup
{
    /// <summary>The realm: its admin API, its file, and the worker that keeps the two together.</summary>
    public static void AddRealm(this WebApplicationBuilder builder)
    {
        builder
            .AddSettings<KeycloakOptions>(KeycloakOptions.Section)
            .Configure<IConfiguration>(
                (options, configuration) =>
                {
                    if (options.Url.Length == 0)
                    {
                        options.Url = configuration["services:keycloak:http:0"] ?? "";
                    }
                }
            );
        // Without logs: its paths name people.
        builder.Services.AddHttpClient("keycloak", client => client.Timeout = TimeSpan.FromSeconds(20)).RemoveAllLoggers();
        builder.Services.AddSingleton(services => services.GetRequiredService<IHttpClientFactory>().CreateClient("keycloak"));
        builder.Services.AddSingleton<IValidateOptions<KeycloakOptions>, ClientRedirects>();
        builder.Services.AddSingleton(LoadFile);
        builder.Services.AddSingleton<KeycloakAdmin>();
        builder.Services.AddSingleton<KeycloakUsers>();
        builder.Services.AddSingleton<RealmEvents>();
        builder.Services.AddSingleton<RealmState>();
        builder.Services.AddHostedService<RealmWorker>();
        builder.Services.AddHealthChecks().AddCheck<RealmState>("keycloak", HealthStatus.Degraded);
    }

    private static RealmFile LoadFile(IServiceProvider services)
    {
        var options = services.GetRequiredService<IOptions<KeycloakOptions>>().Value;
        var file = RealmFile.Load(
            options.RealmFile,
            new Dictionary<string, string> { ["PLATFORM_EDGE_URL"] = EdgeUrl.Of(services.GetRequiredService<IConfiguration>()) }
        );
        foreach (var (client, settings) in options.Clients)
        {
            file.AddRedirectUris(client, settings.RedirectUris);
        }

        return file;
    }
}
