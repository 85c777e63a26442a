using Platform.Data.Contracts.V1;

namespace Platform.Data.Service.Fields;

internal sealed class UrlKind() : TextKind(FieldType.Url, 2048)
{
    public static readonly UrlKind Instance = new();

    // No javascript: or data: a page that shows the value as a link must not run it.
    private static readonly string[] _schemes = ["https", "http", "ftp", "mailto", "tel"];

    protected override Parsed Check(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var uri) && _schemes.Contains(uri.Scheme) && !text.Any(char.IsWhiteSpace)
            ? new Parsed(text)
            : Parsed.Refused("is not a URL", "Send an absolute URL such as https://example.com/page.");
}
