using Platform.Identity.EmbeddedRealm.State;

namespace Platform.Identity.EmbeddedRealm.OAuth;

/// <summary>
/// Which addresses a client may be answered at: exact ones, but for a final <c>*</c> and for ports on loopback (RFC 8252, section 7.3).
/// </summary>
internal static class RedirectUris
{
    private static readonly string[] s_loopback = ["127.0.0.1", "localhost", "[::1]"];

    public static bool IsAllowed(Client client, string redirect)
    {
        // A wildcard must not be left again by what a browser would resolve.
        if (
            !Uri.TryCreate(redirect, UriKind.Absolute, out var uri)
            || redirect.Contains('#', StringComparison.Ordinal)
            || uri.UserInfo.Length > 0
            || redirect.Contains("..", StringComparison.Ordinal)
            || redirect.Contains("%2e", StringComparison.OrdinalIgnoreCase)
            || redirect.Contains('\\', StringComparison.Ordinal)
            || redirect.Any(char.IsControl)
        )
        {
            return false;
        }

        List<string> candidates = [redirect];
        var authority = $"{uri.Scheme}://{uri.Host}:{uri.Port}";
        if (uri.Scheme == "http" && s_loopback.Contains(uri.Host) && redirect.StartsWith(authority, StringComparison.Ordinal))
        {
            candidates.Add($"{uri.Scheme}://{uri.Host}{redirect[authority.Length..]}");
        }

        return client.RedirectUris.Any(pattern => candidates.Exists(candidate => Matches(pattern, candidate)));
    }

    private static bool Matches(string pattern, string candidate) =>
        pattern.EndsWith('*') ? candidate.Split('?')[0].StartsWith(pattern[..^1], StringComparison.Ordinal) : candidate == pattern;
}
