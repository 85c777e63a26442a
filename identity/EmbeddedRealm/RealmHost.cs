using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Platform.Identity.EmbeddedRealm.Admin;
using Platform.Identity.EmbeddedRealm.State;

namespace Platform.Identity.EmbeddedRealm;

/// <summary>The server: it listens on loopback alone, and is ready when its realms are.</summary>
internal sealed partial class RealmHost : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly RealmStore _store;

    private RealmHost(WebApplication app, RealmStore store) => (_app, _store) = (app, store);

    /// <param name="environment">Anything but Development is refused: it has no cluster, no second factor, no mail and nobody who reviews
    /// it.</param>
    public static RealmHost Build(string environment, Func<RealmOptions> read, TimeProvider time)
    {
        if (!environment.Equals(Environments.Development, StringComparison.OrdinalIgnoreCase))
        {
            throw new RealmStartException(
                $"It is for Development alone, and this is {environment}. Use a genuine Keycloak (KEYCLOAK_HOME)."
            );
        }

        var options = read();
        var builder = WebApplication.CreateSlimBuilder(
            new WebApplicationOptions { EnvironmentName = environment, ContentRootPath = AppContext.BaseDirectory }
        );
        builder
            .Logging.ClearProviders()
            .SetMinimumLevel(LogLevel.Warning)
            .AddFilter("Platform", LogLevel.Information)
            .AddSimpleConsole(console => console.SingleLine = true);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = 1024 * 1024;
            kestrel.Listen(IPAddress.Loopback, options.Port);
            if (options.ManagementPort > 0)
            {
                kestrel.Listen(IPAddress.Loopback, options.ManagementPort);
            }
        });
        builder.Services.AddRouting();
        var app = builder.Build();
        var store = new RealmStore(options, time, app.Services.GetRequiredService<ILogger<RealmStore>>());
        app.UseRouting();
        app.MapGet("/health/ready", http => http.Response.WriteAsync("""{"status":"UP","checks":[]}"""));
        app.MapProtocol(store);
        app.MapAdministration(store, new Bootstrap(options, time));
        return new RealmHost(app, store);
    }

    public async Task StartAsync(CancellationToken cancellationToken = default)
    {
        await _store.OpenAsync(cancellationToken);
        try
        {
            await _app.StartAsync(cancellationToken);
        }
        catch (IOException exception)
        {
            throw new RealmStartException(exception.Message);
        }
        LogStarted(_app.Logger);
    }

    public async Task RunAsync()
    {
        await StartAsync();
        await _app.WaitForShutdownAsync();
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    [LoggerMessage(9004, LogLevel.Warning, "This is the embedded development realm, in the place of a Keycloak. It is not for production")]
    private static partial void LogStarted(ILogger log);
}
