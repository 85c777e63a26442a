using System.Text;
using Microsoft.Extensions.Options;
using Platform.Edge.Http;

namespace Platform.Edge.Pages;

/// <summary>
/// docs/connect.md with this instance's addresses in it, beside the MCP endpoint: <c>https://host/connect</c> for <c>https://host/mcp</c>.
/// It holds nothing secret, so nobody needs to sign in to read how to sign in.
/// </summary>
internal static class ConnectPage
{
    // What stands in the committed document.
    private const string ExampleUrl = "https://mcp.example.com/mcp";
    private const string ExampleIssuer = "https://mcp.example.com/realms/platform";

    public static void MapConnectPage(this IEndpointRouteBuilder routes)
    {
        var options = routes.ServiceProvider.GetRequiredService<IOptions<McpEndpointOptions>>().Value;
        var page = Encoding.UTF8.GetBytes(Render(Template(), options.Resource, options.Issuer));
        routes.MapMethods(new Uri(new Uri(options.Resource), "connect").AbsolutePath, ["GET", "HEAD"], async http =>
        {
            // As plain text: a browser shows it, and would offer text/markdown as a download.
            http.Response.ContentType = "text/plain; charset=utf-8";
            http.Response.ContentLength = page.Length;
            http.Response.Headers.CacheControl = "public, max-age=300";
            http.Response.Headers.XContentTypeOptions = "nosniff";
            await http.Response.Body.WriteAsync(page, http.RequestAborted);
        });
    }

    private static string Template()
    {
        using var reader = new StreamReader(typeof(ConnectPage).Assembly.GetManifestResourceStream("connect.md")!, Encoding.UTF8);
        return reader.ReadToEnd();
    }

    private static string Render(string template, string resource, string issuer) =>
        template
            .Replace(
                $"Sign-in is at `{ExampleIssuer}`.",
                issuer.Length > 0 ? $"Sign-in is at `{issuer}`." : "It takes personal tokens only: there is no sign-in here.",
                StringComparison.Ordinal
            )
            .Replace(ExampleUrl, resource, StringComparison.Ordinal);
}
