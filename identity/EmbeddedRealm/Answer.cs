using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace Platform.Identity.EmbeddedRealm;

/// <summary>An answer whose bytes are ready, so that it can be sent after the realm was released.</summary>
internal sealed record Answer(int Status, string? ContentType = null, byte[]? Content = null)
{
    public static Answer NoContent { get; } = new(204);

    /// <summary>The id of what the request made, for the administrator's event.</summary>
    public string? CreatedId { get; init; }

    public string? Location { get; init; }

    public static Answer Json(JsonNode body, int status = 200) =>
        new(status, "application/json", Encoding.UTF8.GetBytes(body.ToJsonString()));

    public static Answer Error(int status, string error, string? description = null)
    {
        var body = new JsonObject { ["error"] = error };
        if (description is not null)
        {
            body["error_description"] = description;
        }

        return Json(body, status);
    }

    public static Answer Html(string page, int status = 200) => new(status, "text/html; charset=utf-8", Encoding.UTF8.GetBytes(page));

    public static Answer Redirect(string address) => new(302) { Location = address };

    public async Task WriteAsync(HttpContext http)
    {
        var response = http.Response;
        response.StatusCode = Status;
        response.Headers.CacheControl = "no-store";
        response.Headers.XContentTypeOptions = "nosniff";
        if (Location is not null)
        {
            response.Headers.Location = Location;
        }

        if (ContentType?.StartsWith("text/html", StringComparison.Ordinal) == true)
        {
            // No form-action: browsers would apply it to the redirect back to the client too.
            response.Headers.ContentSecurityPolicy =
                "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";
            response.Headers["Referrer-Policy"] = "no-referrer";
        }
        if (Content is not null)
        {
            response.ContentType = ContentType;
            await response.Body.WriteAsync(Content, http.RequestAborted);
        }
    }
}
