using Google.Protobuf;
using Platform.Contracts;

namespace Platform.ServiceDefaults.Calls;

/// <summary>A page of a list. It ends with its limit or with its size, and says so.</summary>
/// <param name="limit">The most entries.</param>
/// <param name="tryTake">Keeps an entry, or tells that it belongs to the next page.</param>
public sealed class Page<T>(int limit, Func<T, bool> tryTake)
{
    private Func<string>? _behind;
    private int _count;

    public PageInfo Info { get; } = new();

    /// <summary>False when the page has ended before the entry.</summary>
    /// <param name="entry">The next one in the order of the list.</param>
    /// <param name="cursorBehind">The cursor of the page that begins behind it; asked for when the page ends there.</param>
    public bool TryAdd(T entry, Func<string> cursorBehind)
    {
        if (_count == limit || !tryTake(entry))
        {
            (Info.HasMore, Info.NextCursor) = (true, _behind?.Invoke() ?? "");
            return false;
        }

        (_behind, _count) = (cursorBehind, _count + 1);
        return true;
    }
}

/// <summary>Pages of answers.</summary>
public static class Page
{
    /// <summary>How many entries a page has by default.</summary>
    public const int DefaultLimit = 50;

    /// <summary>A page whose entries stand in an answer; what stands there already, of an attempt before, goes.</summary>
    public static Page<T> Of<T>(IList<T> entries, int limit)
        where T : IMessage
    {
        entries.Clear();
        var size = new AnswerSize();
        return new Page<T>(limit, entry =>
        {
            if (!size.TryTake(JsonSize.Of(entry)))
            {
                return false;
            }

            entries.Add(entry);
            return true;
        });
    }
}
