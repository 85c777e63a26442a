using System.Text.Json;
using Microsoft.Extensions.Options;

namespace Platform.Edge.Http;

/// <summary>The protected-resource metadata of RFC 9728: which authorization servers issue tokens for this endpoint.</summary>
internal sealed class ProtectedResourceMetadata(IOptions<McpEndpointOptions> options, McpScopes scopes)
{
    private readonly byte[] _document = JsonSerializer.SerializeToUtf8Bytes(
        new Dictionary<string, object>
        {
            ["resource"] = options.Value.Resource,
            ["resource_name"] = ServerInfo.Value.Title!,
            ["authorization_servers"] = new[] { options.Value.Issuer },
            ["scopes_supported"] = scopes.Ordinary,
            ["bearer_methods_supported"] = new[] { "header" },
        }
    );

    private readonly bool _hasIssuer = options.Value.Issuer.Length > 0;

    public async Task WriteAsync(HttpContext http)
    {
        if (!_hasIssuer)
        {
            http.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }
        http.Response.ContentType = "application/json";
        http.Response.ContentLength = _document.Length;
        http.Response.Headers.CacheControl = "public, max-age=300";
        await http.Response.Body.WriteAsync(_document, http.RequestAborted);
    }
}

/// <summary>The scopes a client may ask for without anyone having named an administrative toolset.</summary>
public sealed record McpScopes(IReadOnlyList<string> Ordinary);
