using System.ComponentModel.DataAnnotations;

namespace Platform.Edge.Http;

/// <summary>Where the MCP endpoint is reached and how much one request may take. Bound from the section <c>Edge</c>.</summary>
public sealed record McpEndpointOptions
{
    /// <summary>The absolute URL clients use. It is the OAuth resource identifier; nothing is ever derived from a Host header.</summary>
    public Uri? PublicUrl { get; init; }

    /// <summary>The issuer whose access tokens are accepted, exactly as it stands in them. Empty: personal tokens only.</summary>
    public string Issuer { get; init; } = "";

    /// <summary>Browser origins that may call the endpoint, beside the origin of <see cref="PublicUrl"/>.</summary>
    public string[] AllowedOrigins { get; init; } = [];

    /// <summary>Lets pages served from any port of this machine call the endpoint. For Development.</summary>
    public bool AllowLoopbackOrigins { get; init; }

    /// <summary>
    /// Addresses and networks (CIDR) of the proxies before the edge. Only they are believed where a call came from
    /// (<c>X-Forwarded-For</c>); the audit log tells it, and the page of invitations is limited by it. Empty: nobody is.
    /// </summary>
    public string[] Proxies { get; init; } = [];

    /// <summary>The largest request body in bytes.</summary>
    [Range(1024, 64 * 1024 * 1024)]
    public int MaxRequestBytes { get; init; } = 4 * 1024 * 1024;

    /// <summary>How many entries a page of a list holds.</summary>
    [Range(1, 1000)]
    public int ListPage { get; init; } = 100;

    /// <summary>How long a call may stay silent before the reply becomes an event stream, so that proxies see headers.</summary>
    public TimeSpan StreamAfter { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How often a silent event stream carries a comment.</summary>
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>The path of <see cref="PublicUrl"/> without a trailing slash; empty for the root.</summary>
    internal string Path => PublicUrl!.AbsolutePath.TrimEnd('/');

    /// <summary>The resource identifier exactly as it stands in tokens and metadata.</summary>
    internal string Resource => PublicUrl!.AbsoluteUri.TrimEnd('/');

    internal string Origin => PublicUrl!.GetLeftPart(UriPartial.Authority);
}
