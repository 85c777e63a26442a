using System.Collections.Concurrent;
using System.Text;
using System.Text.RegularExpressions;

namespace Platform.EndToEnd.Tests.Fuzz;

/// <summary>Ids, cursors and confirmations that answers have shown: most calls get no further than to a wrong id without them.</summary>
internal sealed partial class Pool
{
    private const int MaxKept = 200;

    private readonly ConcurrentDictionary<string, ConcurrentQueue<string>> _seen = new(StringComparer.Ordinal);
    private readonly HashSet<string> _left = new(StringComparer.Ordinal);

    /// <summary>What attempts must not get hold of: without it, all of them would be refused from then on.</summary>
    public void LeaveAlone(params IEnumerable<string> ids) => _left.UnionWith(ids);

    public void Learn(byte[] answer)
    {
        var text = Encoding.UTF8.GetString(answer);
        foreach (Match match in Ids().Matches(text))
        {
            Keep(match.Groups[1].Value, match.Value.Trim('"'));
        }

        foreach (Match match in Named().Matches(text))
        {
            Keep(match.Groups[1].Value, match.Groups[2].Value);
        }
    }

    /// <summary>One of a kind, such as <c>tbl</c> or <c>nextCursor</c>; a made-up one when none was seen.</summary>
    public string Pick(string kind, int index)
    {
        var seen = _seen.TryGetValue(kind, out var queue) ? queue.ToArray() : [];
        return seen.Length > 0 ? seen[index % seen.Length] : $"{kind}_0198b0c0a1b27c3d8e4f5a6b7c8d9e0f";
    }

    private void Keep(string kind, string value)
    {
        var queue = _seen.GetOrAdd(kind, _ => new());
        if (!_left.Contains(value) && !queue.Contains(value))
        {
            queue.Enqueue(value);
            if (queue.Count > MaxKept)
            {
                queue.TryDequeue(out _);
            }
        }
    }

    [GeneratedRegex("\"(db|tbl|fld|cho|view|rec|env|org|usr|om|mbr|inv|minv|evt|str|tsk|tok|wks)_\\w+\"")]
    private static partial Regex Ids();

    [GeneratedRegex("\"(nextCursor|confirmation|requestState|callId|token|client_id|registration_access_token)\":\"([^\"\\\\]+)\"")]
    private static partial Regex Named();
}
