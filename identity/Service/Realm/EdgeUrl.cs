namespace Platform.Identity.Service.Realm;

/// <summary>The public URL of the MCP endpoint, exactly as the realm writes it into access tokens.</summary>
internal static class EdgeUrl
{
    public static string Of(IConfiguration configuration) =>
        new Uri(configuration["Edge:PublicUrl"] ?? "http://127.0.0.1:8080/mcp").AbsoluteUri.TrimEnd('/');
}
