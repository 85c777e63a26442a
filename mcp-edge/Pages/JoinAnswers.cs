using Platform.Directory.Contracts;

namespace Platform.Edge.Pages;

/// <summary>Pages about invitations that the edge writes by itself, when identity cannot be asked or must not be.</summary>
internal static class JoinAnswers
{
    /// <param name="retryAfter">Seconds.</param>
    /// <param name="title">HTML, as is the body.</param>
    public static Task WriteAsync(HttpContext http, int status, string retryAfter, string title, string body)
    {
        foreach (var (name, value) in JoinPage.Headers)
        {
            http.Response.Headers[name] = value;
        }

        http.Response.Headers.RetryAfter = retryAfter;
        http.Response.StatusCode = status;
        return http.Response.WriteAsync(JoinPage.Html(title, body), http.RequestAborted);
    }
}
