using Grpc.Net.Client;

namespace Platform.ServiceDefaults.Calls;

/// <summary>How one service reaches another: over connections that are known to be alive, and made again soon after they are not.</summary>
public static class ServiceChannel
{
    /// <summary>The largest message between services, on both sides of a call.</summary>
    internal const int MaxMessageBytes = 64 * 1024 * 1024;

    /// <summary>
    /// Limits of a message, and tries to connect every second. Without that, every failure doubles the wait, up to two minutes, and a
    /// service that is back is told to be away for as long.
    /// </summary>
    public static void Configure(GrpcChannelOptions options)
    {
        options.MaxReceiveMessageSize = MaxMessageBytes;
        options.MaxSendMessageSize = MaxMessageBytes;
        options.InitialReconnectBackoff = TimeSpan.FromSeconds(0.5);
        options.MaxReconnectBackoff = TimeSpan.FromSeconds(1);
    }

    /// <summary>A connection that gives no sign of life for 40 s is given up.</summary>
    public static SocketsHttpHandler CreateHandler() =>
        new()
        {
            EnableMultipleHttp2Connections = true,
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
            KeepAlivePingDelay = TimeSpan.FromSeconds(30),
            KeepAlivePingTimeout = TimeSpan.FromSeconds(10),
            ConnectTimeout = TimeSpan.FromSeconds(5),
        };
}
