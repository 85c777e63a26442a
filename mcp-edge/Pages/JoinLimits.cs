using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;
using Platform.Edge.Access;
using Platform.Edge.Callers;

namespace Platform.Edge.Pages;

/// <summary>
/// How often the page of invitations is asked for: by one address, as known proxies tell it, and about one invitation. People need a
/// handful of requests; whoever goes through links or passwords needs many.
/// </summary>
internal sealed class JoinLimits(RateLimiter rates, IOptions<AccessOptions> options)
{
    /// <summary>False when this address has had its share; the answer is written then.</summary>
    public ValueTask<bool> AdmitAddressAsync(HttpContext http) =>
        AdmitAsync(http, $"join:{AddressOf(http)}", options.Value.JoinsPerAddress);

    /// <summary>The same about one invitation. The token stays here: its hash is what edges share.</summary>
    public ValueTask<bool> AdmitInvitationAsync(HttpContext http, string token) =>
        token.Length == 0
            ? ValueTask.FromResult(true)
            : AdmitAsync(
                http,
                $"join:{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(token)))}",
                options.Value.JoinsPerInvitation
            );

    private async ValueTask<bool> AdmitAsync(HttpContext http, string key, int perMinute)
    {
        if (rates.TryTake(key, new RateLimit('j', perMinute, TimeSpan.FromMinutes(1)), out var wait))
        {
            return true;
        }

        var seconds = Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        await JoinAnswers.WriteAsync(
            http,
            StatusCodes.Status429TooManyRequests,
            seconds,
            "Too many attempts",
            "<p>Nothing was changed, and the invitation is as good as before. "
                + $"Open the link from your mail again in {seconds} seconds.</p>"
        );
        return false;
    }

    // Whoever has one address of IPv6 has all 2^64 of its network.
    private static string AddressOf(HttpContext http) =>
        http.Connection.RemoteIpAddress switch
        {
            null => "",
            { IsIPv4MappedToIPv6: true } mapped => mapped.MapToIPv4().ToString(),
            { AddressFamily: AddressFamily.InterNetworkV6 } address => new IPAddress([
                .. address.GetAddressBytes().AsSpan(0, 8),
                0,
                0,
                0,
                0,
                0,
                0,
                0,
                0,
            ]).ToString(),
            var address => address.ToString(),
        };
}
