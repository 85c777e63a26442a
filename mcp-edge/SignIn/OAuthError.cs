using System.Text.Json.Nodes;

namespace Platform.Edge.SignIn;

/// <summary>An error as OAuth clients read it (RFC 6749, section 5.2).</summary>
internal static class OAuthError
{
    /// <summary>What a client sent, as far as an error may repeat it (RFC 6749, section 5.2).</summary>
    public static string Printable(string text, int max) => new([.. text.Where(c => c is > ' ' and <= '~').Take(max)]);

    public static Task WriteAsync(HttpContext http, int status, string error, string description)
    {
        http.Response.StatusCode = status;
        http.Response.Headers.CacheControl = "no-store";
        return http.Response.WriteAsJsonAsync(
            new JsonObject { ["error"] = error, ["error_description"] = description },
            http.RequestAborted
        );
    }
}
