using Platform.Contracts;

namespace Platform.Data.Contracts.Events;

/// <summary>A table has a view more.</summary>
public sealed record ViewCreated(Guid EventId, Guid WorkspaceId, DateTimeOffset OccurredAt, string TableId, string ViewId, string Name)
    : IEvent;

/// <summary>A view has another name, filter, sorting or selection of fields.</summary>
public sealed record ViewUpdated(
    Guid EventId,
    Guid WorkspaceId,
    DateTimeOffset OccurredAt,
    string TableId,
    string ViewId,
    IReadOnlyList<SchemaChange> Changes
) : IEvent;

/// <summary>A view is deleted.</summary>
public sealed record ViewDeleted(Guid EventId, Guid WorkspaceId, DateTimeOffset OccurredAt, string TableId, string ViewId, string Name)
    : IEvent;
