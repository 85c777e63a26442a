using Microsoft.AspNetCore.Http;
using Platform.Identity.EmbeddedRealm.State;

namespace Platform.Identity.EmbeddedRealm.OAuth;

/// <summary>Which pages of other origins may read an answer: everybody's the metadata, a client's own the rest.</summary>
internal static class Cors
{
    public static void Allow(RealmRequest request, Client client)
    {
        var origin = (string?)request.Http.Request.Headers.Origin;
        var allowed = client.WebOrigins.SelectMany(allowed =>
            allowed == "+" ? client.RedirectUris.Select(Origin).OfType<string>() : [allowed]
        );
        if (origin is not null && (allowed.Contains(origin) || allowed.Contains("*")))
        {
            Allow(request.Http, origin);
        }
    }

    public static void Allow(HttpContext http, string origin)
    {
        http.Response.Headers.AccessControlAllowOrigin = origin;
        http.Response.Headers.Vary = "Origin";
        http.Response.Headers.AccessControlExposeHeaders = "WWW-Authenticate";
    }

    /// <summary>A browser asks before it sends. The answer to the request itself decides what it may read.</summary>
    public static Task Preflight(HttpContext http)
    {
        if ((string?)http.Request.Headers.Origin is { } origin)
        {
            Allow(http, origin);
            http.Response.Headers.AccessControlAllowMethods = "GET, POST, OPTIONS";
            http.Response.Headers.AccessControlAllowHeaders = "Authorization, Content-Type, Accept, MCP-Protocol-Version";
            http.Response.Headers.AccessControlMaxAge = "3600";
        }
        http.Response.StatusCode = StatusCodes.Status204NoContent;
        return Task.CompletedTask;
    }

    private static string? Origin(string redirect) =>
        Uri.TryCreate(redirect.TrimEnd('*'), UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https"
            ? $"{uri.Scheme}://{uri.Authority}"
            : null;
}
