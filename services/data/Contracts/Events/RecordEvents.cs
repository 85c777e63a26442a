using Platform.Contracts;

namespace Platform.Data.Contracts.Events;

/// <summary>Records exist now. One event for all that a call created.</summary>
/// <param name="ChangeId">The change in data's history.</param>
/// <param name="RecordIds">At most 1,000 of them.</param>
/// <param name="Count">How many there are in all.</param>
public sealed record RecordsCreated(
    Guid EventId,
    Guid WorkspaceId,
    DateTimeOffset OccurredAt,
    string TableId,
    Guid ChangeId,
    IReadOnlyList<string> RecordIds,
    int Count
) : IEvent;

/// <summary>Some fields of a record have other values. The values before are in data's history.</summary>
/// <param name="ChangeId">The change in data's history.</param>
/// <param name="Version">The record's version after the change.</param>
public sealed record RecordUpdated(
    Guid EventId,
    Guid WorkspaceId,
    DateTimeOffset OccurredAt,
    string TableId,
    Guid ChangeId,
    string RecordId,
    long Version,
    IReadOnlyList<string> FieldIds
) : IEvent;

/// <summary>Some fields of several records have other values. The values before are in data's history.</summary>
/// <param name="ChangeId">The change in data's history.</param>
/// <param name="RecordIds">At most 1,000 of them.</param>
/// <param name="Count">How many there are in all.</param>
public sealed record RecordsUpdated(
    Guid EventId,
    Guid WorkspaceId,
    DateTimeOffset OccurredAt,
    string TableId,
    Guid ChangeId,
    IReadOnlyList<string> RecordIds,
    int Count,
    IReadOnlyList<string> FieldIds
) : IEvent;

/// <summary>Records are deleted. They stay in data's history.</summary>
/// <param name="ChangeId">The change in data's history.</param>
public sealed record RecordsDeleted(
    Guid EventId,
    Guid WorkspaceId,
    DateTimeOffset OccurredAt,
    string TableId,
    Guid ChangeId,
    IReadOnlyList<string> RecordIds
) : IEvent;

/// <summary>Changes of records were taken back: what they created is gone, what they changed or deleted is as it was.</summary>
/// <param name="ChangeId">The change in data's history, which names every record.</param>
public sealed record RecordsUndone(
    Guid EventId,
    Guid WorkspaceId,
    DateTimeOffset OccurredAt,
    string TableId,
    Guid ChangeId,
    int Removed,
    int Restored,
    int Reverted
) : IEvent;
