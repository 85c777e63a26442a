using System.Net;
using System.Net.Sockets;

namespace Platform.Audit.Service.Sinks;

/// <summary>
/// Connections to addresses that others chose. The name is resolved once, every address is checked, and the connection goes to an address
/// that passed, so that no name can lead inside. There are no redirects and no proxy.
/// </summary>
internal static class OutboundConnections
{
    // Everything in IPv4 that is not a public unicast address: IANA's special-purpose registry, and multicast and above.
    private static readonly IPNetwork[] _refused4 =
    [
        .. new[]
        {
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/3",
        }.Select(IPNetwork.Parse),
    ];

    // Public unicast is 2000::/3; inside it, protocol assignments with Teredo, documentation, and 6to4, which wraps any IPv4 address.
    private static readonly IPNetwork _public6 = IPNetwork.Parse("2000::/3");
    private static readonly IPNetwork[] _refused6 =
    [
        .. new[] { "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20" }.Select(IPNetwork.Parse),
    ];

    // What an operator can open: networks of an organization's own. Link-local, where clouds keep their metadata, is not among them.
    private static readonly IPNetwork[] _private =
    [
        .. new[] { "10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7" }.Select(IPNetwork.Parse),
    ];

    /// <param name="allowLoopback">For a receiver on the developer's own machine.</param>
    /// <param name="allowed">Private networks that the operator opened.</param>
    public static SocketsHttpHandler CreateHandler(bool allowLoopback, params IReadOnlyList<IPNetwork> allowed) =>
        new()
        {
            AllowAutoRedirect = false,
            UseProxy = false,
            UseCookies = false,
            // Our trace ids are not sent to others.
            ActivityHeadersPropagator = null,
            AutomaticDecompression = DecompressionMethods.None,
            ConnectTimeout = TimeSpan.FromSeconds(5),
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            MaxResponseHeadersLength = 16,
            ConnectCallback = (context, cancellationToken) => ConnectAsync(context.DnsEndPoint, allowLoopback, allowed, cancellationToken),
        };

    /// <summary>Whether an operator can open it.</summary>
    public static bool IsPrivate(IPNetwork network) =>
        _private.Any(range => range.PrefixLength <= network.PrefixLength && range.Contains(network.BaseAddress));

    public static bool IsAllowed(IPAddress address, bool allowLoopback, params IReadOnlyList<IPNetwork> allowed)
    {
        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        if (IPAddress.IsLoopback(plain))
        {
            return allowLoopback;
        }

        if (allowed.Any(network => network.Contains(plain)))
        {
            return true;
        }

        return plain.AddressFamily == AddressFamily.InterNetwork
            ? !_refused4.Any(network => network.Contains(plain))
            : _public6.Contains(plain) && !_refused6.Any(network => network.Contains(plain));
    }

    private static async ValueTask<Stream> ConnectAsync(
        DnsEndPoint endpoint,
        bool allowLoopback,
        IReadOnlyList<IPNetwork> allowed,
        CancellationToken cancellationToken
    )
    {
        var known = await Dns.GetHostAddressesAsync(endpoint.Host, cancellationToken);
        var addresses = Array.FindAll(known, address => IsAllowed(address, allowLoopback, allowed));
        if (addresses.Length == 0)
        {
            throw new ForbiddenAddressException();
        }

        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(addresses, endpoint.Port, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}

/// <summary>The name leads neither to a public address nor to one that the operator opened.</summary>
internal sealed class ForbiddenAddressException() : IOException("The destination's name does not lead to an allowed address.");
