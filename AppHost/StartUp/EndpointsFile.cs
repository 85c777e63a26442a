using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Platform.AppHost.Servers;
using Platform.ServiceDefaults;

namespace Platform.AppHost.StartUp;

/// <summary>
/// Once everything is healthy, says where it is: on the console, short, with a first call to paste, and in <c>artifacts/endpoints.json</c>,
/// which is removed when the application ends.
/// </summary>
internal static class EndpointsFile
{
    private static readonly JsonSerializerOptions _indented = new() { WriteIndented = true };

    public static string CredentialsPath(IDistributedApplicationBuilder builder) =>
        Path.Combine(builder.Artifacts(), "demo-credentials.json");

    public static string At(IDistributedApplicationBuilder builder) =>
        Path.Combine(builder.Artifacts(), builder.Configuration["EndpointsFile"] ?? "endpoints.json");

    public static void WriteEndpoints(
        this IDistributedApplicationBuilder builder,
        IResourceBuilder<ProjectResource> edge,
        IResourceBuilder<ProjectResource> identity,
        IResourceBuilder<KeycloakResource> keycloak
    )
    {
        if (!builder.ExecutionContext.IsRunMode)
        {
            return;
        }

        var file = At(builder);
        File.Delete(file);
        var began = DateTime.UtcNow;
        builder.RunBeside(
            async (services, stopping) =>
            {
                services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping.Register(() => File.Delete(file));
                var signIn = await WaitUntilUpAsync(services, identity, keycloak, stopping);
                var endpoints = new JsonObject
                {
                    ["mcp"] = builder.Configuration["PublicUrl"] is { Length: > 0 } url ? url : $"{edge.GetEndpoint("http").Url}/mcp",
                    ["governance"] = $"{identity.GetEndpoint("http").Url}/governance/v1",
                    ["issuer"] = signIn ? await builder.Issuer(edge).GetValueAsync(stopping) : null,
                    ["mail"] = builder.MailFolder(),
                    ["dashboard"] = Dashboard(builder),
                    ["dashboardLogin"] = DashboardLogin(builder),
                    ["logs"] = builder.Logs(),
                    ["members"] = await ReadMembersAsync(builder, began, stopping),
                };
                await WriteAsync(file, endpoints, stopping);
                Print(endpoints, file, DateTime.UtcNow - began, builder.Configuration["Mail:Host"]);
            }
        );
    }

    // Whether people can sign in: without a Keycloak everything but that works.
    private static async Task<bool> WaitUntilUpAsync(
        IServiceProvider services,
        IResourceBuilder<ProjectResource> identity,
        IResourceBuilder<KeycloakResource> keycloak,
        CancellationToken stopping
    )
    {
        var notifications = services.GetRequiredService<ResourceNotificationService>();
        string[] settled = [KnownResourceStates.Running, KnownResourceStates.FailedToStart, KnownResourceStates.Exited];
        var signIn = await notifications.WaitForResourceAsync(keycloak.Resource.Name, settled, stopping) == KnownResourceStates.Running;
        if (signIn)
        {
            await notifications.WaitForResourceHealthyAsync(keycloak.Resource.Name, stopping);
        }

        foreach (var service in services.GetRequiredService<DistributedApplicationModel>().Resources.OfType<ProjectResource>())
        {
            // The others do one thing and end.
            if (service.HasAnnotationOfType<HealthCheckAnnotation>())
            {
                await notifications.WaitForResourceHealthyAsync(service.Name, stopping);
            }
        }

        if (signIn)
        {
            await WaitForRealmAsync(identity, stopping);
        }

        return signIn;
    }

    // Identity works without Keycloak; it calls itself degraded until it has brought the realm, and the people in it, in line.
    private static async Task WaitForRealmAsync(IResourceBuilder<ProjectResource> identity, CancellationToken cancellationToken)
    {
        using var http = new HttpClient();
        while (true)
        {
            try
            {
                using var response = await http.GetAsync($"{identity.GetEndpoint("http").Url}/health", cancellationToken);
                var health = JsonNode.Parse(await response.Content.ReadAsStringAsync(cancellationToken));
                if (response.IsSuccessStatusCode && (string?)health?["checks"]?["keycloak"]?["status"] == "Healthy")
                {
                    return;
                }
            }
            catch (Exception exception) when (exception is HttpRequestException or JsonException)
            {
                // It is being started again.
            }

            await Task.Delay(TimeSpan.FromMilliseconds(200), cancellationToken);
        }
    }

    // Identity writes the file anew at every start, once the demo's members can sign in.
    private static async Task<JsonNode> ReadMembersAsync(
        IDistributedApplicationBuilder builder,
        DateTime began,
        CancellationToken cancellationToken
    )
    {
        if (!builder.IsDevelopmentRun())
        {
            return new JsonArray();
        }

        while (File.GetLastWriteTimeUtc(CredentialsPath(builder)) < began)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(200), cancellationToken);
        }

        return JsonNode.Parse(await File.ReadAllTextAsync(CredentialsPath(builder), cancellationToken))!["members"]!.DeepClone();
    }

    private static string? Dashboard(IDistributedApplicationBuilder builder) => builder.Configuration["ASPNETCORE_URLS"]?.Split(';')[0];

    private static string? DashboardLogin(IDistributedApplicationBuilder builder) =>
        Dashboard(builder) is { } dashboard && builder.Configuration["AppHost:BrowserToken"] is { Length: > 0 } token
            ? $"{dashboard}/login?t={token}"
            : Dashboard(builder);

    private static async Task WriteAsync(string file, JsonObject endpoints, CancellationToken cancellationToken)
    {
        // Whoever waits for the file must never read half of it, and nobody else may read the demo's tokens.
        var written = file + ".new";
        await using (var stream = OwnersFile.Open(written, FileMode.Create))
        {
            await JsonSerializer.SerializeAsync(stream, endpoints, _indented, cancellationToken);
        }

        File.Move(written, file, overwrite: true);
        if (cancellationToken.IsCancellationRequested)
        {
            // The application was told to stop meanwhile, and has looked for the file before it was there.
            File.Delete(file);
        }
    }

    private static void Print(JsonObject endpoints, string file, TimeSpan took, string? mailHost)
    {
        var owner = endpoints["members"]!.AsArray().FirstOrDefault();
        var url = endpoints["mcp"]!.GetValue<string>();
        Console.WriteLine(
            $"""

            Everything is up after {took.TotalSeconds:F0} s. Ctrl-C stops it.

              MCP URL    {url}
              Connect    {new Uri(new Uri(url), "/connect")} shows how, for each client
              Dashboard  {endpoints["dashboardLogin"]?.ToString() ?? "is not running"}
              Sign-in    {endpoints["issuer"]?.ToString() ?? "there is no Keycloak here: personal tokens only"}
              Mail       {endpoints["mail"]?.ToString()
                ?? (string.IsNullOrEmpty(mailHost) ? "none leaves: Mail:Host is not set" : $"by {mailHost}")}
              Logs       {endpoints["logs"]}
            """
        );
        if (owner is null)
        {
            return;
        }

        Console.WriteLine(
            $$"""
              Accounts   {{file}} has the passwords and tokens of the demo's owner, editor and viewer

            A first call:
              curl -s {{url}} -H 'Authorization: Bearer {{owner[
                "token"
            ]}}' -H 'Content-Type: application/json' -H 'Accept: application/json, text/event-stream' \
                -d '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"whoami","arguments":{} } }'
            """
        );
    }
}
