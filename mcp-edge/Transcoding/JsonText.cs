using System.Text.Json;

namespace Platform.Edge.Transcoding;

internal static class JsonText
{
    /// <summary>
    /// The string an element holds; null when it holds something else, or escapes that are no text (half a surrogate pair).
    /// </summary>
    public static string? TextOrNull(this JsonElement element)
    {
        if (element.ValueKind != JsonValueKind.String)
        {
            return null;
        }

        try
        {
            return element.GetString();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }
}
