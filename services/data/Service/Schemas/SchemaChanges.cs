using Platform.Data.Contracts.Events;

namespace Platform.Data.Service.Schemas;

/// <summary>Collects what an update really changes. A property that keeps its value does not count.</summary>
internal sealed class SchemaChanges
{
    private readonly List<SchemaChange> _changes = [];

    public IReadOnlyList<SchemaChange> All => _changes;

    public bool Any => _changes.Count > 0;

    /// <param name="property">As the API names it.</param>
    /// <param name="before">What it is.</param>
    /// <param name="after">What it shall be; null when the caller left it out.</param>
    /// <param name="apply">Called with the new value when it differs.</param>
    public void Add(string property, string before, string? after, Action<string> apply)
    {
        if (after is not null && after != before)
        {
            Add(property, before, after);
            apply(after);
        }
    }

    public void Add(string property, bool before, bool? after, Action<bool> apply) =>
        Add(property, Text(before), after is { } value ? Text(value) : null, _ => apply(after!.Value));

    /// <summary>Of a limit; null when there is none.</summary>
    public void Add(string property, int? before, int? after)
    {
        if (after != before)
        {
            Add(property, Text(before), Text(after));
        }
    }

    public void Add(string property, string? before, string? after) => _changes.Add(new SchemaChange(property, before, after));

    private static string? Text(int? value) => value?.ToString(System.Globalization.CultureInfo.InvariantCulture);

    private static string Text(bool value) => value ? "true" : "false";
}
