using System.Text;

namespace Platform.Edge.Transcoding;

/// <summary>All broken rules of one call's arguments, so that a model can fix them in one go.</summary>
internal sealed class Violations
{
    private const int MaxTold = 20;

    private readonly List<(string Field, string Rule, string Fix)> _all = [];

    public int Count => _all.Count;

    public void Add(string field, string rule, string fix) => _all.Add((field.Length == 0 ? "arguments" : field, rule, fix));

    public string What => Told(v => $"{v.Field}: {v.Rule}.");

    public string Fix => Told(v => v.Fix);

    private string Told(Func<(string Field, string Rule, string Fix), string> part)
    {
        var text = new StringBuilder().AppendJoin(' ', _all.Take(MaxTold).Select(part).Distinct());
        return _all.Count > MaxTold ? text.Append($" And {_all.Count - MaxTold} more.").ToString() : text.ToString();
    }
}
