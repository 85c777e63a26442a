namespace Platform.Edge.Http;

/// <summary>Writes the OAuth refusals of RFC 6750, with what an MCP client needs to get past them.</summary>
internal static class Challenge
{
    /// <summary>401: no usable token. Names every scope worth asking for, because many clients never ask again.</summary>
    public static Task UnauthorizedAsync(HttpContext http, McpEndpointOptions options, string scopes, string? problem)
    {
        var error = problem is null ? "" : $"error=\"invalid_token\", error_description=\"{problem}\", ";
        return WriteAsync(http, options, StatusCodes.Status401Unauthorized, error, scopes, problem ?? "A bearer token is required.");
    }

    /// <summary>403: the token is good but lacks a scope the caller could be granted.</summary>
    public static Task InsufficientScopeAsync(HttpContext http, McpEndpointOptions options, string scopes, string problem) =>
        WriteAsync(
            http,
            options,
            StatusCodes.Status403Forbidden,
            $"error=\"insufficient_scope\", error_description=\"{problem}\", ",
            scopes,
            problem
        );

    private static Task WriteAsync(HttpContext http, McpEndpointOptions options, int status, string error, string scopes, string message)
    {
        var scope = scopes.Length == 0 ? "" : $"scope=\"{scopes}\", ";
        // Without an issuer there is no metadata to point to: the client has to be given a personal token.
        var metadata = options.Issuer.Length == 0 ? "" : $"resource_metadata=\"{ProtectedResourceMetadata.UrlFor(http, options)}\"";
        http.Response.Headers.WWWAuthenticate = $"Bearer {error}{scope}{metadata}".TrimEnd(' ', ',');
        http.Response.Headers.CacheControl = "no-store";
        return new McpError(status, McpError.InvalidRequest, message).WriteAsync(http);
    }
}
