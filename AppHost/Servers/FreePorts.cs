using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Platform.Servers;

/// <summary>Free ports of the loopback interface.</summary>
internal static class FreePorts
{
    private static readonly HashSet<int> _given = [];

    /// <summary>
    /// A port that nobody listens on and that this process was not given before. It lies below the range that the kernel takes for
    /// outgoing connections, so no client can occupy it before its server does.
    /// </summary>
    public static int Next()
    {
        for (var attempt = 0; attempt < 2_000; attempt++)
        {
            var port = RandomNumberGenerator.GetInt32(15_200, 32_000);
            lock (_given)
            {
                if (!_given.Contains(port) && WhyNot(port) is null)
                {
                    _given.Add(port);
                    return port;
                }
            }
        }

        throw new InvalidOperationException("There is no free port between 15200 and 32000.");
    }

    /// <summary>A port that somebody chose is not given to anybody else.</summary>
    /// <returns>Why no program can listen there now; null when one can.</returns>
    public static string? Reserve(int port)
    {
        lock (_given)
        {
            _given.Add(port);
        }

        return WhyNot(port);
    }

    private static string? WhyNot(int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port) { ExclusiveAddressUse = true };
            listener.Start();
            return null;
        }
        catch (SocketException exception)
        {
            return exception.SocketErrorCode switch
            {
                SocketError.AddressAlreadyInUse => "another program listens there",
                SocketError.AccessDenied => "a port below 1024 needs root",
                _ => exception.Message,
            };
        }
    }
}
