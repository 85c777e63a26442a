using System.Collections.Frozen;
using Grpc.Core;
using Grpc.Net.Client;
using Platform.Edge.Catalogue;
using Platform.ServiceDefaults;

namespace Platform.Edge.Tools;

/// <summary>One connection pool per service.</summary>
internal sealed class ServiceChannels : IDisposable
{
    private const int MaxMessageBytes = 64 * 1024 * 1024;

    private readonly FrozenDictionary<string, (GrpcChannel Channel, CallInvoker Invoker)> _channels;

    public ServiceChannels(ToolSurface surface, IConfiguration configuration)
    {
        _channels = surface.Services.ToFrozenDictionary(
            service => service,
            service =>
            {
                var channel = GrpcChannel.ForAddress(
                    configuration.ServiceAddress(service, "grpc"),
                    new GrpcChannelOptions
                    {
                        HttpHandler = new SocketsHttpHandler
                        {
                            EnableMultipleHttp2Connections = true,
                            AllowAutoRedirect = false,
                            UseCookies = false,
                            UseProxy = false,
                            PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
                            KeepAlivePingDelay = TimeSpan.FromSeconds(30),
                            KeepAlivePingTimeout = TimeSpan.FromSeconds(10),
                            ConnectTimeout = TimeSpan.FromSeconds(5),
                        },
                        DisposeHttpClient = true,
                        MaxReceiveMessageSize = MaxMessageBytes,
                        MaxSendMessageSize = MaxMessageBytes,
                    }
                );
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
