namespace Platform.Identity.Service.Realm;

/// <summary>What an address must be like for a code to be sent there, whoever names it.</summary>
internal static class RedirectAddress
{
    // They run or read what they are given in the browser that holds the session.
    private static readonly string[] _dangerous = ["javascript", "data", "file", "vbscript", "blob", "about", "view-source"];
    private static readonly string[] _loopback = ["127.0.0.1", "localhost", "[::1]"];

    /// <summary>What is wrong with the address, and the rule; null when it is exact and safe.</summary>
    public static string? Problem(string address)
    {
        if (!Uri.TryCreate(address, UriKind.Absolute, out var uri) || !address.Contains("://", StringComparison.Ordinal))
        {
            return "must be an absolute URI, such as https://host/path.";
        }

        if (
            address.IndexOfAny(['*', '#', '\\', ' ']) >= 0
            || address.Any(char.IsControl)
            || uri.UserInfo.Length > 0
            || address.Contains("/..", StringComparison.Ordinal)
            || address.Contains("%2e", StringComparison.OrdinalIgnoreCase)
        )
        {
            return "must be exact: without *, fragment, user, control characters and parent folders.";
        }

        if (uri.Scheme == Uri.UriSchemeHttp && !IsLoopback(uri))
        {
            return "must be https, or http on loopback.";
        }

        return _dangerous.Contains(uri.Scheme) ? $"must not have the scheme {uri.Scheme}." : null;
    }

    public static bool IsLoopback(Uri uri) => uri.Scheme == Uri.UriSchemeHttp && _loopback.Contains(uri.Host);

    /// <summary>
    /// The address without its port: a client that listens on this computer may take another port each time (RFC 8252, section 7.3).
    /// </summary>
    public static string WithoutPort(Uri uri)
    {
        var authority = $"{uri.Scheme}://{uri.Host}:{uri.Port}";
        return uri.OriginalString.StartsWith(authority, StringComparison.OrdinalIgnoreCase)
            ? $"{uri.Scheme}://{uri.Host}{uri.OriginalString[authority.Length..]}"
            : uri.OriginalString;
    }
}
