using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Options;

namespace Platform.Edge.Http;

/// <summary>
/// The protected-resource metadata of RFC 9728: which authorization servers issue tokens for this endpoint. It names as the resource the
/// very URL that was asked about, with its query, because strict clients compare the two (section 3.3).
/// </summary>
internal sealed class ProtectedResourceMetadata(IOptions<McpEndpointOptions> options, McpScopes scopes)
{
    public const string WellKnown = "/.well-known/oauth-protected-resource";

    private const int MaxQuery = 2000;

    public async Task WriteAsync(HttpContext http)
    {
        if (options.Value.Issuer.Length == 0 || http.Request.QueryString.Value is { Length: > MaxQuery })
        {
            http.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        var document = JsonSerializer.SerializeToUtf8Bytes(
            new JsonObject
            {
                ["resource"] = options.Value.Resource + Rest(http),
                ["resource_name"] = ServerInfo.Value.Title,
                ["authorization_servers"] = new JsonArray(options.Value.Issuer),
                ["scopes_supported"] = new JsonArray([.. scopes.Ordinary]),
                ["bearer_methods_supported"] = new JsonArray("header"),
            }
        );
        http.Response.ContentType = "application/json";
        http.Response.ContentLength = document.Length;
        http.Response.Headers.CacheControl = "public, max-age=300";
        await http.Response.Body.WriteAsync(document, http.RequestAborted);
    }

    /// <summary>Where the metadata of the URL is that a request was sent to (RFC 9728, section 3.1).</summary>
    public static string UrlFor(HttpContext http, McpEndpointOptions options) => $"{options.Origin}{WellKnown}{options.Path}{Rest(http)}";

    // What follows the path in the URL as it was asked. It goes into a header in quotes, too.
    private static string Rest(HttpContext http)
    {
        var path = http.Request.Path.Value!;
        var slash = path.Length > 1 && path.EndsWith('/') ? "/" : "";
        return slash
            + string.Concat(
                (http.Request.QueryString.Value ?? "").Select(c => c is > ' ' and <= '~' and not ('"' or '\\') ? $"{c}" : Escape(c))
            );
    }

    private static string Escape(char c) => c <= 255 ? Uri.HexEscape(c) : "";
}

/// <summary>The scopes a client may ask for without anyone having named an administrative toolset.</summary>
public sealed record McpScopes(IReadOnlyList<string> Ordinary);
