namespace Platform.ServiceDefaults.Calls;

/// <summary>
/// How much an answer may still hold, in bytes of JSON. Whatever lists something takes entries while they fit, so that no answer is larger
/// than <see cref="MaxAnswer"/>, except for a first entry that is larger by itself.
/// </summary>
public sealed class AnswerSize(int bytes = AnswerSize.MaxEntries)
{
    /// <summary>What the contract promises.</summary>
    public const int MaxAnswer = 100_000;

    /// <summary>What the entries of an answer may take: the rest is for what stands around them, such as a cursor.</summary>
    public const int MaxEntries = 90_000;

    /// <summary>What a preview may list. It travels in a header, of which clients of HTTP take 64 KiB.</summary>
    public const int MaxPreview = 20_000;

    private int _left = bytes;
    private bool _hasEntry;

    /// <summary>The same, to go on from here more than once.</summary>
    public AnswerSize Copy() => new(_left) { _hasEntry = _hasEntry };

    /// <summary>False when the entry does not fit. The first one always does.</summary>
    public bool TryTake(int bytes)
    {
        if (bytes > _left && _hasEntry)
        {
            return false;
        }

        _hasEntry = true;
        Take(bytes);
        return true;
    }

    /// <summary>Takes what is there in any case. It does not count as an entry.</summary>
    public void Take(int bytes) => _left -= bytes + 1;
}
