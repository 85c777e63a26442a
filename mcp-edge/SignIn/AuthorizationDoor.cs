using System.Net;
using Platform.Edge.Pages;

namespace Platform.Edge.SignIn;

/// <summary>
/// The authorization endpoint. What a client asks for is in the query and nowhere else: a request object could ask for another resource
/// than the query names, and a <c>request_uri</c> would make the server fetch it.
/// </summary>
internal sealed class AuthorizationDoor(SignInServer server, ResourceRule resources)
{
    private static readonly string[] _refused = ["request", "request_uri"];

    public Task HandleAsync(HttpContext http)
    {
        var query = http.Request.Query;
        if (_refused.FirstOrDefault(query.ContainsKey) is { } name)
        {
            return RefuseAsync(http, $"{name}_not_supported", $"The parameter {name} is not supported.");
        }

        if (resources.Problem(query[ResourceRule.Name]) is { } problem)
        {
            return RefuseAsync(http, "invalid_target", problem);
        }

        http.Request.QueryString = ResourceRule.Without(query);
        return server.ForwardAsync(http);
    }

    // Not by a redirect: whether the address in the request is the client's, only the server behind knows.
    private static Task RefuseAsync(HttpContext http, string error, string problem) =>
        PlainPage.WriteAsync(
            http,
            StatusCodes.Status400BadRequest,
            "This sign-in cannot go on",
            $"<p>The application asked for something that it cannot get here (<code>{error}</code>). {WebUtility.HtmlEncode(problem)}</p>"
                + "<p>Nothing was given to it. Close this page, and check the address that the application was told to connect to.</p>"
        );
}
