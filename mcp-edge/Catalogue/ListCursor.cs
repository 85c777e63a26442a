using System.Buffers.Text;
using System.Text;
using ModelContextProtocol;

namespace Platform.Edge.Catalogue;

/// <summary>
/// Cuts sorted lists into pages. A cursor holds the key of the last entry shown, so that a list which has changed meanwhile goes on where
/// it stopped. Clients must not look into it; one that we did not make is refused.
/// </summary>
internal static class ListCursor
{
    private const string Mark = "after:";

    // A key can hold the cursor of a service.
    private const int MaxLength = 4000;

    /// <summary>The page behind the cursor, and the cursor of the next page; null on the last one.</summary>
    /// <exception cref="McpProtocolException">The cursor is not one of ours.</exception>
    public static (IReadOnlyList<T> Page, string? Next) Cut<T>(IEnumerable<T> sorted, Func<T, string> key, int size, string? cursor)
    {
        var after = cursor is null ? null : Read(cursor);
        var page = sorted.Where(entry => after is null || string.CompareOrdinal(key(entry), after) > 0).Take(size + 1).ToList();
        if (page.Count <= size)
        {
            return (page, null);
        }

        page.RemoveAt(size);
        return (page, Write(key(page[^1])));
    }

    /// <summary>A cursor that stands behind this key.</summary>
    public static string Write(string key) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(Mark + key));

    /// <summary>The key that a cursor stands behind.</summary>
    /// <exception cref="McpProtocolException">The cursor is not one of ours.</exception>
    public static string Read(string cursor)
    {
        // Some clients send the empty text for the first page.
        if (cursor.Length == 0)
        {
            return "";
        }

        if (cursor.Length <= MaxLength && Base64Url.IsValid(cursor))
        {
            var text = Encoding.UTF8.GetString(Base64Url.DecodeFromChars(cursor));
            if (text.StartsWith(Mark, StringComparison.Ordinal))
            {
                return text[Mark.Length..];
            }
        }
        throw new McpProtocolException(
            "The cursor is not one of ours. Leave it out to start from the beginning.",
            McpErrorCode.InvalidParams
        );
    }
}
