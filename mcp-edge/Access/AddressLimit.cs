using System.Net;
using System.Net.Sockets;

namespace Platform.Edge.Access;

/// <summary>How often one address may ask for what anybody may ask for, in a minute. The address is what known proxies tell.</summary>
internal sealed class AddressLimit(RateLimiter rates)
{
    /// <summary>False when this address has had its share.</summary>
    /// <param name="what">Tells limits of one address apart.</param>
    /// <param name="wait">Seconds until there is room again, at least 1.</param>
    public bool TryTake(HttpContext http, string what, int perMinute, out int wait) =>
        TryTake($"{what}:{AddressOf(http)}", perMinute, out wait);

    /// <summary>The same for something else than an address.</summary>
    public bool TryTake(string key, int perMinute, out int wait)
    {
        var taken = rates.TryTake(key, new RateLimit('m', perMinute, TimeSpan.FromMinutes(1)), out var left);
        wait = Math.Max(1, (int)Math.Ceiling(left.TotalSeconds));
        return taken;
    }

    // Whoever has one address of IPv6 has all 2^64 of its network.
    private static string AddressOf(HttpContext http) =>
        http.Connection.RemoteIpAddress switch
        {
            null => "",
            { IsIPv4MappedToIPv6: true } mapped => mapped.MapToIPv4().ToString(),
            { AddressFamily: AddressFamily.InterNetworkV6 } address => new IPAddress([
                .. address.GetAddressBytes().AsSpan(0, 8),
                .. new byte[8],
            ]).ToString(),
            var address => address.ToString(),
        };
}
