using System.Collections.Frozen;
using Grpc.Core;
using Grpc.Net.Client;
using Platform.Edge.Catalogue;
using Platform.ServiceDefaults;
using Platform.ServiceDefaults.Calls;

namespace Platform.Edge.Tools;

/// <summary>One connection pool per service.</summary>
internal sealed class ServiceChannels : IDisposable
{
    private readonly FrozenDictionary<string, (GrpcChannel Channel, CallInvoker Invoker)> _channels;

    public ServiceChannels(ToolSurface surface, IConfiguration configuration)
    {
        _channels = surface.Services.ToFrozenDictionary(
            service => service,
            service =>
            {
                var options = new GrpcChannelOptions { HttpHandler = ServiceChannel.CreateHandler(), DisposeHttpClient = true };
                ServiceChannel.Configure(options);
                var channel = GrpcChannel.ForAddress(configuration.ServiceAddress(service, "grpc"), options);
                return (channel, channel.CreateCallInvoker());
            },
            StringComparer.Ordinal
        );
    }

    public CallInvoker For(string service) => _channels[service].Invoker;

    public void Dispose()
    {
        foreach (var (_, (channel, _)) in _channels)
        {
            channel.Dispose();
        }
    }
}
