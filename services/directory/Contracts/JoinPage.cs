namespace Platform.Directory.Contracts;

/// <summary>Where people accept invitations. The directory serves the page; the edge hands it on under the public URL.</summary>
public static class JoinPage
{
    /// <summary>The path at the directory.</summary>
    public const string Path = "/join";

    /// <summary>Bytes of a form that somebody sends; a long password takes most of them.</summary>
    public const int MaxForm = 16 * 1024;

    /// <summary>The page as the public reaches it: beside the MCP endpoint, <c>https://host/join</c> for <c>https://host/mcp</c>.</summary>
    public static Uri Under(Uri publicUrl) => new(new Uri(publicUrl.AbsoluteUri.TrimEnd('/')), Path[1..]);
}
