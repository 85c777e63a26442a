using Platform.Directory.Contracts;

namespace Platform.Edge.Pages;

/// <summary>Pages that the edge writes by itself, when nobody behind it can be asked, or must not be.</summary>
internal static class PlainPage
{
    /// <param name="title">HTML, as is the body.</param>
    public static Task WriteAsync(HttpContext http, int status, string title, string body)
    {
        foreach (var (name, value) in JoinPage.Headers)
        {
            http.Response.Headers[name] = value;
        }

        http.Response.StatusCode = status;
        return http.Response.WriteAsync(JoinPage.Html(title, body), http.RequestAborted);
    }
}
