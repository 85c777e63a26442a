using Platform.Contracts;

namespace Platform.Changes.Contracts;

/// <summary>A member's agent has said what it is about.</summary>
/// <param name="EventId">Of the task itself: every service that keeps changes announces the same event.</param>
/// <param name="TaskId"><c>tsk_…</c></param>
public sealed record TaskBegun(Guid EventId, Guid WorkspaceId, DateTimeOffset OccurredAt, string TaskId, string Goal) : IEvent;

/// <summary>Changes were taken back.</summary>
/// <param name="Kind">Of what, such as <c>organization</c>.</param>
/// <param name="How"><c>removed</c>, <c>restored</c>, <c>reverted</c> or <c>revoked</c>.</param>
/// <param name="Ids">As the API shows them.</param>
public sealed record ChangesUndone(
    Guid EventId,
    Guid WorkspaceId,
    DateTimeOffset OccurredAt,
    string Kind,
    string How,
    IReadOnlyList<string> Ids
) : IEvent;
