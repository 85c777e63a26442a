using System.Text;

namespace Platform.Data.Service.Fields;

/// <summary>
/// The items of a list in one cell of CSV: separated by "; ", and in quotes, with quotes inside doubled, where an item could be read
/// otherwise. What <see cref="Join"/> writes, <see cref="Split"/> reads back. It also reads what people write: items separated by commas,
/// and quotes that stand anywhere else.
/// </summary>
internal static class CellItems
{
    public static string Join(IEnumerable<string> items) => string.Join("; ", items.Select(Quote));

    public static string[] Split(string cell)
    {
        var items = SplitBy(cell, ';', out var wasQuoted);
        return items.Count == 1 && !wasQuoted ? [.. SplitBy(cell, ',', out _)] : [.. items];
    }

    private static string Quote(string item) =>
        item.AsSpan().IndexOfAny(';', ',', '"') >= 0 || item.Trim().Length != item.Length
            ? $"\"{item.Replace("\"", "\"\"", StringComparison.Ordinal)}\""
            : item;

    private static List<string> SplitBy(string cell, char separator, out bool wasQuoted)
    {
        var items = new List<string>();
        wasQuoted = false;
        for (var at = 0; at <= cell.Length; at++)
        {
            if (TryReadQuoted(cell, ref at, separator, out var item))
            {
                wasQuoted = true;
                items.Add(item);
                continue;
            }

            var end = cell.IndexOf(separator, at);
            end = end < 0 ? cell.Length : end;
            if (cell[at..end].Trim() is { Length: > 0 } plain)
            {
                items.Add(plain);
            }

            at = end;
        }

        return items;
    }

    /// <summary>Reads an item in quotes up to the separator behind it, or nothing where the quotes do not enclose the whole item.</summary>
    private static bool TryReadQuoted(string cell, ref int at, char separator, out string item)
    {
        item = "";
        var next = SkipSpace(cell, at);
        if (next == cell.Length || cell[next] != '"')
        {
            return false;
        }

        var text = new StringBuilder();
        for (next++; next < cell.Length; next++)
        {
            if (cell[next] != '"')
            {
                text.Append(cell[next]);
            }
            else if (next + 1 < cell.Length && cell[next + 1] == '"')
            {
                text.Append('"');
                next++;
            }
            else
            {
                var behind = SkipSpace(cell, next + 1);
                if (behind < cell.Length && cell[behind] != separator)
                {
                    return false;
                }

                (at, item) = (behind, text.ToString());
                return true;
            }
        }

        return false;
    }

    private static int SkipSpace(string cell, int at)
    {
        while (at < cell.Length && char.IsWhiteSpace(cell[at]))
        {
            at++;
        }

        return at;
    }
}
