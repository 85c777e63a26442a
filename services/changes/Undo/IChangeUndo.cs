using Platform.Changes.Contracts.V1;
using Platform.ServiceDefaults.State;

namespace Platform.Changes.Undo;

/// <summary>How a service sums up and takes back its own changes. What it does not handle is reported as left alone.</summary>
public interface IChangeUndo
{
    /// <summary>Remedies by tool: why its changes are not taken back, and what to do instead.</summary>
    IReadOnlyDictionary<string, string> Remedies => new Dictionary<string, string>();

    /// <summary>The sentence that tells the caller why a change of a tool stays.</summary>
    sealed string WhyNot(string tool) => $"{tool} has no inverse." + (Remedies.TryGetValue(tool, out var remedy) ? " " + remedy : "");

    /// <summary>
    /// Takes back what it can, newest first, and reports what became of every change. It works under locks and writes: a preview is the
    /// same work, rolled back.
    /// </summary>
    Task UndoAsync(WriteTransaction tx, ChangeScope scope, IReadOnlyList<JournaledChange> changes, UndoReport report);

    /// <summary>
    /// Sums up what the changes did. Returns the ids of those that it has counted; the others are counted by their events.
    /// </summary>
    Task<IReadOnlySet<Guid>> SummarizeAsync(
        WriteTransaction tx,
        ChangeScope scope,
        IReadOnlyList<JournaledChange> changes,
        ICollection<NetChange> summary
    );
}

/// <summary>What one undo has done, and what it left alone.</summary>
public sealed class UndoReport
{
    private const int MaxLeft = 200;
    private const int MaxIds = 100;

    private readonly List<string> _fingerprint = [];
    private readonly HashSet<Guid> _handled = [];

    /// <summary>What the caller is shown, in the preview and in the answer.</summary>
    public UndoPart Part { get; } = new();

    public bool HasUndone => Part.Undone.Count > 0;

    internal string Fingerprint => string.Join('\n', _fingerprint);

    /// <summary>The change is accounted for.</summary>
    public void Handled(JournaledChange change) => _handled.Add(change.Id);

    internal bool IsHandled(JournaledChange change) => _handled.Contains(change.Id);

    /// <param name="kind">Such as <c>record</c>.</param>
    /// <param name="how"><c>removed</c>, <c>restored</c>, <c>reverted</c> or <c>revoked</c>.</param>
    /// <param name="ids">As the API shows them.</param>
    /// <param name="states">What the confirmation is bound to, such as ids with versions.</param>
    /// <param name="tableId">Of records.</param>
    /// <param name="note">What about it cannot be taken back.</param>
    public void Undone(
        string kind,
        string how,
        IReadOnlyCollection<string> ids,
        IEnumerable<string> states,
        string tableId = "",
        string note = ""
    )
    {
        Part.Undone.Add(
            new Undone
            {
                Kind = kind,
                How = how,
                TableId = tableId,
                Count = ids.Count,
                Ids = { ids.Take(MaxIds) },
                Note = note,
            }
        );
        _fingerprint.AddRange(states);
    }

    /// <summary>Something stays as it is.</summary>
    public void Left(LeftAlone left)
    {
        if (Part.Left.Count < MaxLeft)
        {
            Part.Left.Add(left);
        }

        Part.LeftCount++;
        _fingerprint.Add($"left {left.Id} {left.Reason}");
    }

    /// <summary>So many rows were taken back by an earlier undo.</summary>
    public void UndoneBefore(int count) => Part.UndoneBefore += count;
}
