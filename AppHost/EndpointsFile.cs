using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Platform.AppHost.Servers;

namespace Platform.AppHost;

/// <summary>
/// Says where everything is once all of it is healthy: on the console, with a client configuration and a first call to paste, and in
/// <c>artifacts/endpoints.json</c>, which is gone again when the application ends.
/// </summary>
internal static class EndpointsFile
{
    private static readonly JsonSerializerOptions _indented = new() { WriteIndented = true };

    public static string CredentialsPath(IDistributedApplicationBuilder builder) =>
        Path.Combine(builder.Artifacts(), "demo-credentials.json");

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

        var file = Path.Combine(builder.Artifacts(), builder.Configuration["EndpointsFile"] ?? "endpoints.json");
        File.Delete(file);
        var started = DateTime.UtcNow;
        builder.Eventing.Subscribe<AfterResourcesCreatedEvent>(
            (created, cancellationToken) =>
            {
                var notifications = created.Services.GetRequiredService<ResourceNotificationService>();
                var lifetime = created.Services.GetRequiredService<IHostApplicationLifetime>();
                lifetime.ApplicationStopping.Register(() => File.Delete(file));
                _ = Task.Run(
                    () => AnnounceAsync(builder, notifications, file, started, edge, identity, keycloak, lifetime.ApplicationStopping),
                    CancellationToken.None
                );
                return Task.CompletedTask;
            }
        );
    }

    private static async Task AnnounceAsync(
        IDistributedApplicationBuilder builder,
        ResourceNotificationService notifications,
        string file,
        DateTime started,
        IResourceBuilder<ProjectResource> edge,
        IResourceBuilder<ProjectResource> identity,
        IResourceBuilder<KeycloakResource> keycloak,
        CancellationToken stopping
    )
    {
        try
        {
            // Without a Keycloak everything but OAuth works.
            var signIn =
                await notifications.WaitForResourceAsync(
                    keycloak.Resource.Name,
                    [KnownResourceStates.Running, KnownResourceStates.FailedToStart, KnownResourceStates.Exited],
                    stopping
                ) == KnownResourceStates.Running;
            if (signIn)
            {
                await notifications.WaitForResourceHealthyAsync(keycloak.Resource.Name, stopping);
            }

            await notifications.WaitForResourceHealthyAsync(edge.Resource.Name, stopping);
            if (signIn)
            {
                await WaitForRealmAsync(identity, stopping);
            }

            var url = builder.Configuration["PublicUrl"] is { Length: > 0 } configured ? configured : $"{edge.GetEndpoint("http").Url}/mcp";
            var endpoints = new JsonObject
            {
                ["mcp"] = url,
                ["governance"] = $"{identity.GetEndpoint("http").Url}/governance/v1",
                ["issuer"] = signIn ? await builder.Issuer(keycloak).GetValueAsync(stopping) : null,
                ["mail"] = builder.MailFolder(),
                ["dashboard"] = builder.Configuration["ASPNETCORE_URLS"]?.Split(';')[0],
                ["members"] = await ReadMembersAsync(builder, started, stopping),
            };
            await WriteAsync(file, endpoints, stopping);
            Print(endpoints, signIn, builder.Configuration["Mail:Host"]);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested) { }
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
                if (await response.Content.ReadAsStringAsync(cancellationToken) == "Healthy")
                {
                    return;
                }
            }
            catch (HttpRequestException)
            {
                // Started again just now.
            }

            await Task.Delay(TimeSpan.FromMilliseconds(200), cancellationToken);
        }
    }

    // Identity writes the file anew at every start, once the demo's members can sign in.
    private static async Task<JsonNode> ReadMembersAsync(
        IDistributedApplicationBuilder builder,
        DateTime started,
        CancellationToken cancellationToken
    )
    {
        if (!builder.IsDevelopmentRun())
        {
            return new JsonArray();
        }

        while (File.GetLastWriteTimeUtc(CredentialsPath(builder)) < started)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(200), cancellationToken);
        }

        return JsonNode.Parse(await File.ReadAllTextAsync(CredentialsPath(builder), cancellationToken))!["members"]!.DeepClone();
    }

    private static async Task WriteAsync(string file, JsonObject endpoints, CancellationToken cancellationToken)
    {
        // Whoever waits for the file must never read half of it, and nobody else may read the demo's tokens.
        var written = file + ".new";
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        await using (var stream = new FileStream(written, options))
        {
            await JsonSerializer.SerializeAsync(stream, endpoints, _indented, cancellationToken);
        }

        File.Move(written, file, overwrite: true);
    }

    private static void Print(JsonObject endpoints, bool signIn, string? mailHost)
    {
        var token = endpoints["members"]!.AsArray().FirstOrDefault()?["token"]?.GetValue<string>();
        var url = endpoints["mcp"];
        Console.WriteLine(
            $$"""

            Everything is up.
              MCP URL     {{url}}
              Dashboard   {{endpoints["dashboard"]}}
              Sign-in     {{(signIn ? endpoints["issuer"] : "no Keycloak here: personal tokens only")}}
              Mail        {{endpoints["mail"]?.ToString()
                ?? (string.IsNullOrEmpty(mailHost) ? "none leaves: Mail:Host is not set" : $"by {mailHost}")}}

            A client's configuration:
              { "mcpServers": { "platform": { "type": "http", "url": "{{url}}", "headers": { "Authorization": "Bearer {{token}}" } } } }

            A first call:
              curl -s {{url}} -H 'Authorization: Bearer {{token}}' -H 'Content-Type: application/json' -H 'Accept: application/json, text/event-stream' \
                -d '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"whoami","arguments":{} } }'
            """
        );
    }
}
