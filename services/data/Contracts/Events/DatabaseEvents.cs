using Platform.Contracts;

namespace Platform.Data.Contracts.Events;

/// <summary>A database exists now.</summary>
public sealed record DatabaseCreated(Guid EventId, Guid WorkspaceId, DateTimeOffset OccurredAt, string DatabaseId, string Name) : IEvent;

/// <summary>A table exists now, with the fields it was created with.</summary>
public sealed record TableCreated(
    Guid EventId,
    Guid WorkspaceId,
    DateTimeOffset OccurredAt,
    string DatabaseId,
    string TableId,
    string Name,
    IReadOnlyList<string> FieldIds
) : IEvent;

/// <summary>A table has a field more.</summary>
/// <param name="Type">The field type as the API spells it, such as <c>long_text</c>.</param>
public sealed record FieldCreated(
    Guid EventId,
    Guid WorkspaceId,
    DateTimeOffset OccurredAt,
    string TableId,
    string FieldId,
    string Name,
    string Type
) : IEvent;

/// <summary>Values that a record brought along became choices of a select or multi-select field.</summary>
public sealed record ChoicesAdded(
    Guid EventId,
    Guid WorkspaceId,
    DateTimeOffset OccurredAt,
    string TableId,
    string FieldId,
    IReadOnlyList<string> ChoiceIds
) : IEvent;

/// <summary>What a change of a database, table or field did to one of its properties.</summary>
/// <param name="Property">As the API names it, such as <c>name</c>; a choice as <c>choices.&lt;id&gt;</c>.</param>
/// <param name="Before">Null when there was none.</param>
/// <param name="After">Null when there is none any more.</param>
public sealed record SchemaChange(string Property, string? Before, string? After);

/// <summary>A database has another name or description.</summary>
public sealed record DatabaseUpdated(
    Guid EventId,
    Guid WorkspaceId,
    DateTimeOffset OccurredAt,
    string DatabaseId,
    IReadOnlyList<SchemaChange> Changes
) : IEvent;

/// <summary>A table has another name, description or primary field.</summary>
public sealed record TableUpdated(
    Guid EventId,
    Guid WorkspaceId,
    DateTimeOffset OccurredAt,
    string TableId,
    IReadOnlyList<SchemaChange> Changes
) : IEvent;

/// <summary>A field has other properties or choices. Records that lost a removed choice are told by <see cref="RecordsUpdated"/>.</summary>
public sealed record FieldUpdated(
    Guid EventId,
    Guid WorkspaceId,
    DateTimeOffset OccurredAt,
    string TableId,
    string FieldId,
    IReadOnlyList<SchemaChange> Changes
) : IEvent;
