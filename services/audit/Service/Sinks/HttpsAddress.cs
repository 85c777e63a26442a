using Platform.ServiceDefaults.Calls;

namespace Platform.Audit.Service.Sinks;

/// <summary>Which URLs a stream may have. The addresses behind the host name are checked at every connection.</summary>
internal sealed class HttpsAddress(IHostEnvironment environment)
{
    /// <summary>The URL in its normal form.</summary>
    /// <exception cref="Grpc.Core.RpcException">INVALID_ARGUMENT: a stream may not have this URL.</exception>
    public string Check(string url, string field)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out var address) || !IsSafe(address))
        {
            throw Problem.Invalid(field, "is not an https URL", "Send one such as https://siem.example/audit.");
        }

        // The URL is shown in lists and written to the logs of proxies, so nothing in it may be a secret.
        return address.UserInfo.Length > 0 || url.Contains('?', StringComparison.Ordinal) || url.Contains('#', StringComparison.Ordinal)
            ? throw Problem.Invalid(field, "has credentials, a query or a fragment", "Leave them out.")
            : address.AbsoluteUri;
    }

    private bool IsSafe(Uri address) =>
        address.Scheme == Uri.UriSchemeHttps || environment.IsDevelopment() && address.Scheme == Uri.UriSchemeHttp && address.IsLoopback;
}
