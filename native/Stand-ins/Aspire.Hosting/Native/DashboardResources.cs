using System.Net.Sockets;
using Aspire.Hosting.ApplicationModel;
using Platform.Native.Servers;

namespace Aspire.Hosting.Native;

/// <summary>The genuine Aspire dashboard as a resource of the model, where it has been unpacked.</summary>
internal static class DashboardResources
{
    public const string Name = "aspire-dashboard";

    public static void Add(DistributedApplicationBuilder builder)
    {
        var settings = new NativeSettings(builder.Configuration, builder.AppHostDirectory, builder.AppHostAssembly, "", null);
        if (DashboardServer.FindProgram(settings.Dashboard) is null || builder.Resources.TryGetByName(Name, out _))
            return;
        var configuration = builder.Configuration;
        var resource = new ExecutableResource(Name, Path.Combine(settings.Dashboard, "aspire-managed"), settings.Dashboard);
        builder.AddResource(resource)
            .WithInitialState(new CustomResourceSnapshot { ResourceType = "Executable", Properties = [] })
            .WithAnnotation(Endpoint("http", Port(configuration["ASPNETCORE_URLS"]), null))
            .WithAnnotation(Endpoint("otlp-grpc", Port(configuration["ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL"]
                ?? configuration["DOTNET_DASHBOARD_OTLP_ENDPOINT_URL"]), "http2"))
            .WithAnnotation(Endpoint("otlp-http", Port(configuration["ASPIRE_DASHBOARD_OTLP_HTTP_ENDPOINT_URL"]
                ?? configuration["DOTNET_DASHBOARD_OTLP_HTTP_ENDPOINT_URL"]), null))
            .WithAnnotation(new NativeServerAnnotation(async (context, token) => await DashboardServer.StartAsync(new DashboardOptions
            {
                Directory = settings.Dashboard,
                DataDirectory = context.DataDirectory,
                Port = context.PortOf("http"),
                OtlpGrpcPort = context.PortOf("otlp-grpc"),
                OtlpHttpPort = context.PortOf("otlp-http"),
                ApiKey = configuration["AppHost:OtlpApiKey"]!,
                BrowserToken = configuration["AppHost:BrowserToken"]!,
                ApplicationName = configuration["AppHost:DashboardApplicationName"]!,
                OnLine = context.Say,
            }, token)))
            .OnResourceReady((dashboard, e, _) =>
            {
                var console = (ConsoleReporter)e.Services.GetService(typeof(ConsoleReporter))!;
                console.Say(Name, $"Login to the dashboard at {dashboard.GetEndpoint("http").Url}/login?t={configuration["AppHost:BrowserToken"]}");
                return Task.CompletedTask;
            });
    }

    private static EndpointAnnotation Endpoint(string name, int? port, string? transport) =>
        new(ProtocolType.Tcp, "http", transport, name, port) { ExcludeReferenceEndpoint = true };

    private static int? Port(string? urls) =>
        (urls ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries).Select(u => new Uri(u)).FirstOrDefault(u =>
            u.Scheme == "http") is { } url
            ? url.Port
            : null;
}
