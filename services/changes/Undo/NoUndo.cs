using Platform.Changes.Contracts.V1;
using Platform.ServiceDefaults.State;

namespace Platform.Changes.Undo;

/// <summary>For a service whose changes have no inverse: each is reported as left alone, with its remedy.</summary>
/// <param name="remedies">By tool: why, and what to do instead.</param>
public sealed class NoUndo(IReadOnlyDictionary<string, string> remedies) : IChangeUndo
{
    public IReadOnlyDictionary<string, string> Remedies => remedies;

    public Task UndoAsync(WriteTransaction tx, ChangeScope scope, IReadOnlyList<JournaledChange> changes, UndoReport report) =>
        Task.CompletedTask;

    public Task<IReadOnlySet<Guid>> SummarizeAsync(
        WriteTransaction tx,
        ChangeScope scope,
        IReadOnlyList<JournaledChange> changes,
        ICollection<NetChange> summary
    ) => Task.FromResult<IReadOnlySet<Guid>>(new HashSet<Guid>());
}
