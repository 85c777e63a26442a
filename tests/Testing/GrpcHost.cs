using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Platform.Testing;

/// <summary>Stand-ins for the services that a tested one calls: their gRPC contracts on a port of the loopback interface.</summary>
public sealed class GrpcHost : IAsyncDisposable
{
    private readonly WebApplicationBuilder _builder = WebApplication.CreateSlimBuilder();
    private readonly List<Action<WebApplication>> _map = [];
    private WebApplication? _app;

    public GrpcHost()
    {
        _builder.Logging.ClearProviders();
        _builder.Services.AddGrpc();
        _builder
            .WebHost.UseUrls("http://127.0.0.1:0")
            .ConfigureKestrel(kestrel => kestrel.ConfigureEndpointDefaults(endpoint => endpoint.Protocols = HttpProtocols.Http2));
    }

    public string Url => _app!.Urls.Single();

    public GrpcHost Add<TService>(TService service)
        where TService : class
    {
        _builder.Services.AddSingleton(service);
        _map.Add(app => app.MapGrpcService<TService>());
        return this;
    }

    public async Task StartAsync()
    {
        _app = _builder.Build();
        _map.ForEach(map => map(_app));
        await _app.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_app is not null)
        {
            await _app.DisposeAsync();
        }
    }
}
