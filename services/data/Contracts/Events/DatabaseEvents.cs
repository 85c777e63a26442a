using Platform.Contracts;

namespace Platform.Data.Contracts.Events;

/// <summary>A database exists now.</summary>
public sealed record DatabaseCreated(Guid EventId, Guid WorkspaceId, DateTimeOffset OccurredAt, string DatabaseId, string Name) : IEvent;

/// <summary>A table exists now, with the fields it was created with.</summary>
public sealed record TableCreated(
    Guid EventId, Guid WorkspaceId, DateTimeOffset OccurredAt, string DatabaseId, string TableId, string Name, IReadOnlyList<string> FieldIds) : IEvent;

/// <summary>A table has a field more.</summary>
/// <param name="Type">The field type as the API spells it, such as <c>long_text</c>.</param>
public sealed record FieldCreated(
    Guid EventId, Guid WorkspaceId, DateTimeOffset OccurredAt, string TableId, string FieldId, string Name, string Type) : IEvent;

/// <summary>Values that a record brought along became choices of a select or multi-select field.</summary>
public sealed record ChoicesAdded(
    Guid EventId, Guid WorkspaceId, DateTimeOffset OccurredAt, string TableId, string FieldId, IReadOnlyList<string> ChoiceIds) : IEvent;
