using Platform.Contracts;

namespace Platform.Changes.Contracts;

/// <summary>A member's agent has said what it is about.</summary>
/// <param name="EventId">Of the task itself: every service that keeps changes announces the same event.</param>
/// <param name="TaskId"><c>tsk_…</c></param>
public sealed record TaskBegun(Guid EventId, Guid WorkspaceId, DateTimeOffset OccurredAt, string TaskId, string Goal) : IEvent;
