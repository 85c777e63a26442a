using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Cors.Infrastructure;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Platform.ServiceDefaults;
using IPNetwork = System.Net.IPNetwork;

namespace Platform.Edge.Http;

public static class McpEndpointExtensions
{
    private const string CorsPolicyName = "mcp";

    /// <summary>
    /// Adds the MCP endpoint with <typeparamref name="TApplication"/> behind it. The application also needs <see cref="McpScopes"/>.
    /// </summary>
    public static void AddMcpEndpoint<TApplication>(this IHostApplicationBuilder builder)
        where TApplication : McpApplication
    {
        var services = builder.Services;
        // The section holds two more, with options of their own.
        builder
            .AddSettings<McpEndpointOptions>("Edge", "Access", "Audit")
            .Validate(
                o => o.PublicUrl is { IsAbsoluteUri: true, Scheme: "http" or "https", Query: "", Fragment: "" },
                "Edge:PublicUrl must be an absolute http or https URL without query and fragment."
            )
            .Validate(
                o => o.Proxies.All(proxy => Network(proxy) is not null),
                "Edge:Proxies must be addresses, or networks such as 10.20.0.0/16."
            );
        services
            .AddOptions<ForwardedHeadersOptions>()
            .Configure<IOptions<McpEndpointOptions>>(
                (forwarded, endpoint) =>
                {
                    forwarded.ForwardedHeaders = ForwardedHeaders.XForwardedFor;
                    forwarded.ForwardLimit = null; // As far back as known proxies say.
                    forwarded.KnownProxies.Clear();
                    forwarded.KnownIPNetworks.Clear();
                    foreach (var proxy in endpoint.Value.Proxies)
                    {
                        forwarded.KnownIPNetworks.Add(Network(proxy)!.Value);
                    }
                }
            );
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<OriginPolicy>();
        services.AddSingleton<McpApplication, TApplication>();
        services.AddSingleton<McpEndpoint>();
        services.AddSingleton<ProtectedResourceMetadata>();
        services.AddCors();
        services
            .AddOptions<CorsOptions>()
            .Configure<OriginPolicy>(
                (cors, origins) =>
                    cors.AddPolicy(CorsPolicyName, policy =>
                        policy
                            .SetIsOriginAllowed(origins.Allows)
                            .WithMethods("GET", "POST")
                            .AllowAnyHeader()
                            .WithExposedHeaders("WWW-Authenticate", "Retry-After", "MCP-Protocol-Version")
                            .SetPreflightMaxAge(TimeSpan.FromHours(1))
                    )
            );
    }

    /// <summary>Takes the word of the known proxies, and of nobody else, on where a request came from.</summary>
    public static void UseProxies(this IApplicationBuilder app)
    {
        if (app.ApplicationServices.GetRequiredService<IOptions<McpEndpointOptions>>().Value.Proxies.Length > 0)
        {
            app.UseForwardedHeaders();
        }
    }

    private static IPNetwork? Network(string proxy) =>
        IPNetwork.TryParse(proxy, out var network) ? network
        : IPAddress.TryParse(proxy, out var address)
            ? new IPNetwork(address, address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128)
        : null;

    /// <summary>Maps the endpoint at the path of its public URL, and its metadata in both places clients look.</summary>
    public static void MapMcp(this IEndpointRouteBuilder routes)
    {
        var options = routes.ServiceProvider.GetRequiredService<IOptions<McpEndpointOptions>>().Value;
        var endpoint = routes.ServiceProvider.GetRequiredService<McpEndpoint>();
        var metadata = routes.ServiceProvider.GetRequiredService<ProtectedResourceMetadata>();
        routes.Map(options.Path.Length == 0 ? "/" : options.Path, endpoint.HandleAsync).RequireCors(CorsPolicyName);
        routes.MapGet(ProtectedResourceMetadata.WellKnown, metadata.WriteAsync).RequireCors(CorsPolicyName);
        if (options.Path.Length > 0)
        {
            routes.MapGet($"{ProtectedResourceMetadata.WellKnown}{options.Path}", metadata.WriteAsync).RequireCors(CorsPolicyName);
        }
    }
}
