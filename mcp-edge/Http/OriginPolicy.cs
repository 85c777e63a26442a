using Microsoft.Extensions.Options;

namespace Platform.Edge.Http;

/// <summary>Which browser origins may talk to the endpoint. The Origin check and CORS both ask here, so they cannot disagree.</summary>
public sealed class OriginPolicy(IOptions<McpEndpointOptions> options)
{
    private readonly HashSet<string> _allowed = new(
        options.Value.AllowedOrigins.Append(options.Value.Origin).Select(o => o.TrimEnd('/')),
        StringComparer.OrdinalIgnoreCase
    );

    private readonly bool _loopback = options.Value.AllowLoopbackOrigins;

    public bool Allows(string origin) =>
        _allowed.Contains(origin)
        || (_loopback && Uri.TryCreate(origin, UriKind.Absolute, out var uri) && uri.IsLoopback && uri.Scheme is "http" or "https");
}
