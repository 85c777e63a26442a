using Platform.Contracts;
using Platform.ServiceDefaults.Calls;

namespace Platform.Edge.Transcoding;

/// <summary>All broken rules of one call's arguments, so that a model can fix them in one go.</summary>
internal sealed class Violations
{
    // A body of some megabytes can break a rule with every few bytes of it. Nobody needs so many to be told.
    private const int MaxFound = 1000;

    private readonly List<Violation> _all = [];

    public int Count => _all.Count;

    /// <summary>Whether there is no use in looking for more.</summary>
    public bool IsFull => _all.Count >= MaxFound;

    public string What => $"{(IsFull ? "At least " : "")}{ViolationText.Of(_all, _all.Count).Message}";

    public string Fix => ViolationText.Of(_all, _all.Count).Fix;

    public void Add(string field, string rule, string fix)
    {
        if (!IsFull)
        {
            _all.Add(
                new Violation
                {
                    Field = field.Length == 0 ? "arguments" : field,
                    Rule = rule,
                    Fix = fix,
                }
            );
        }
    }

    public void Add(Violations others) => _all.AddRange(others._all);
}
