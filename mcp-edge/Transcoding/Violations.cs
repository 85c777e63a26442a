using Platform.Contracts;
using Platform.ServiceDefaults.Calls;

namespace Platform.Edge.Transcoding;

/// <summary>All broken rules of one call's arguments, so that a model can fix them in one go.</summary>
internal sealed class Violations
{
    private readonly List<Violation> _all = [];

    public int Count => _all.Count;

    public string What => ViolationText.Of(_all, _all.Count).Message;

    public string Fix => ViolationText.Of(_all, _all.Count).Fix;

    public void Add(string field, string rule, string fix) =>
        _all.Add(
            new Violation
            {
                Field = field.Length == 0 ? "arguments" : field,
                Rule = rule,
                Fix = fix,
            }
        );

    public void Add(Violations others) => _all.AddRange(others._all);
}
