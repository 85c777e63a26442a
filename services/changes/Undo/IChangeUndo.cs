using Platform.Changes.Contracts.V1;
using Platform.ServiceDefaults.State;

namespace Platform.Changes.Undo;

/// <summary>How a service sums up and takes back its own changes. What it does not handle is told as not undoable.</summary>
public interface IChangeUndo
{
    /// <summary>For tools whose changes are not taken back: why, and what to do instead.</summary>
    IReadOnlyDictionary<string, string> Remedies => new Dictionary<string, string>();

    /// <summary>Why a change of a tool stays, as the caller is told.</summary>
    sealed string WhyNot(string tool) => $"{tool} has no inverse." + (Remedies.TryGetValue(tool, out var remedy) ? " " + remedy : "");

    /// <summary>
    /// Takes back what it can, newest first, and tells the report what became of everything. It does so under locks and for real: a preview is
    /// the same work, rolled back.
    /// </summary>
    Task UndoAsync(WriteTransaction tx, ChangeScope scope, IReadOnlyList<JournaledChange> changes, UndoReport report);

    /// <summary>What the changes have done in all. Returns the ids of those that it has counted; the others are counted by their events.</summary>
    Task<IReadOnlySet<Guid>> SummarizeAsync(
        WriteTransaction tx,
        ChangeScope scope,
        IReadOnlyList<JournaledChange> changes,
        ICollection<NetChange> summary
    );
}

/// <summary>What an undo has done and left.</summary>
public sealed class UndoReport
{
    private const int MaxLeft = 200;
    private const int MaxIds = 100;

    private readonly List<string> _fingerprint = [];
    private readonly HashSet<Guid> _handled = [];

    /// <summary>What the caller is shown, before and after.</summary>
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

    public void Left(LeftAlone left)
    {
        if (Part.Left.Count < MaxLeft)
        {
            Part.Left.Add(left);
        }

        Part.LeftCount++;
        _fingerprint.Add($"left {left.Id} {left.Reason}");
    }

    public void UndoneBefore(int count) => Part.UndoneBefore += count;
}
