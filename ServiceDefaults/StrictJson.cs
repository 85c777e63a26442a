using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace Platform.ServiceDefaults;

/// <summary>JSON from outside.</summary>
public static class StrictJson
{
    /// <summary>
    /// The document; null when it is not JSON in UTF-8, is deeper than <paramref name="maxDepth"/>, repeats a member, or has a member whose
    /// name is no text.
    /// </summary>
    public static JsonDocument? Parse(ReadOnlyMemory<byte> utf8, int maxDepth = 64)
    {
        try
        {
            return Utf8.IsValid(utf8.Span) && AreNamesText(utf8.Span, maxDepth)
                ? JsonDocument.Parse(utf8, new JsonDocumentOptions { MaxDepth = maxDepth, AllowDuplicateProperties = false })
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>The value whose JSON a text holds, by the same rules; null when it holds none.</summary>
    public static JsonElement? Parse(string text)
    {
        using var document = Parse(Encoding.UTF8.GetBytes(text));
        return document?.RootElement.Clone();
    }

    // Half a surrogate pair in an escape is valid JSON, and no text. A value that holds one is refused by whoever reads it; but a member
    // with such a name could not even be looked past.
    private static bool AreNamesText(ReadOnlySpan<byte> utf8, int maxDepth)
    {
        if (utf8.IndexOf("\\uD"u8) < 0 && utf8.IndexOf("\\ud"u8) < 0)
        {
            return true;
        }

        var reader = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = maxDepth });
        while (reader.Read())
        {
            if (reader is { TokenType: JsonTokenType.PropertyName, ValueIsEscaped: true } && !IsText(ref reader))
            {
                return false;
            }
        }

        return true;
    }

    private static bool IsText(ref Utf8JsonReader reader)
    {
        try
        {
            return reader.GetString() is not null;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }
}
