using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;
using Platform.Edge.Access;
using Platform.Edge.Callers;

namespace Platform.Edge.Pages;

/// <summary>
/// How often the page of invitations is asked for: by one address, and about one invitation. People need a handful of requests; whoever
/// goes through links or passwords needs many.
/// </summary>
internal sealed class JoinLimits(AddressLimit limit, IOptions<AccessOptions> options)
{
    /// <summary>False when this address has had its share; the answer is written then.</summary>
    public async ValueTask<bool> AdmitAddressAsync(HttpContext http) =>
        limit.TryTake(http, "join", options.Value.JoinsPerAddress, out var wait) || await RefuseAsync(http, wait);

    /// <summary>The same about one invitation. The token stays here: its hash is what edges share.</summary>
    public async ValueTask<bool> AdmitInvitationAsync(HttpContext http, string token) =>
        token.Length == 0
        || limit.TryTake(
            $"join:{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(token)))}",
            options.Value.JoinsPerInvitation,
            out var wait
        )
        || await RefuseAsync(http, wait);

    private static async ValueTask<bool> RefuseAsync(HttpContext http, int wait)
    {
        var seconds = wait.ToString(CultureInfo.InvariantCulture);
        http.Response.Headers.RetryAfter = seconds;
        await PlainPage.WriteAsync(
            http,
            StatusCodes.Status429TooManyRequests,
            "Too many attempts",
            $"<p>Nothing was changed, and the invitation is still valid. Open the link from your mail again in {seconds} seconds.</p>"
        );
        return false;
    }
}
