using Platform.Contracts;

namespace Platform.Audit.Contracts;

/// <summary>A stream was created. Its secret is not part of any event.</summary>
/// <param name="Site">The Datadog site, or the host of the URL.</param>
/// <param name="EnvironmentIds">Whose events it carries; null: every environment of the workspace, also later ones.</param>
/// <param name="WorkspaceEvents">Whether it carries events that belong to no environment.</param>
public sealed record AuditStreamCreated(
    Guid EventId,
    Guid WorkspaceId,
    DateTimeOffset OccurredAt,
    string StreamId,
    string Type,
    string Name,
    string Site,
    IReadOnlyList<string> Actions,
    long AfterSequence,
    IReadOnlyList<string>? EnvironmentIds,
    bool WorkspaceEvents
) : IEvent;

/// <summary>A test event was sent to a stream's destination.</summary>
/// <param name="Result"><c>accepted</c>, <c>refused</c> or <c>unreachable</c>.</param>
public sealed record AuditStreamTested(
    Guid EventId,
    Guid WorkspaceId,
    DateTimeOffset OccurredAt,
    string StreamId,
    string Result,
    int? Status
) : IEvent;

/// <summary>A stream was changed.</summary>
/// <param name="Changed">Names of what changed, such as <c>url</c> or <c>secret</c>; never a value of a secret.</param>
public sealed record AuditStreamUpdated(
    Guid EventId,
    Guid WorkspaceId,
    DateTimeOffset OccurredAt,
    string StreamId,
    string Name,
    string Site,
    IReadOnlyList<string> Actions,
    IReadOnlyList<string> Changed
) : IEvent;

/// <summary>Delivery was stopped by hand, the cursor stays.</summary>
public sealed record AuditStreamPaused(Guid EventId, Guid WorkspaceId, DateTimeOffset OccurredAt, string StreamId, long AfterSequence)
    : IEvent;

/// <summary>A stream was deleted with its secret. What came after the sequence was not delivered.</summary>
public sealed record AuditStreamDeleted(
    Guid EventId,
    Guid WorkspaceId,
    DateTimeOffset OccurredAt,
    string StreamId,
    string Name,
    long AfterSequence
) : IEvent;

/// <summary>Delivery goes on where it stopped: by hand, or because the destination accepted a test after it had refused.</summary>
public sealed record AuditStreamResumed(Guid EventId, Guid WorkspaceId, DateTimeOffset OccurredAt, string StreamId, long AfterSequence)
    : IEvent;

/// <summary>The destination refused the stream's credentials, or is gone for good: delivery stopped, the cursor stays.</summary>
public sealed record AuditStreamInvalidated(
    Guid EventId,
    Guid WorkspaceId,
    DateTimeOffset OccurredAt,
    string StreamId,
    int? Status,
    long AfterSequence
) : IEvent;

/// <summary>Events that a destination cannot take were left out of its stream. They stay in the log.</summary>
/// <param name="Reason"><c>too_old</c> (outside the destination's window) or <c>not_accepted</c> (it refused this very event).</param>
/// <param name="Count">How many of the events between the two sequences, both included.</param>
public sealed record AuditEventsSkipped(
    Guid EventId,
    Guid WorkspaceId,
    DateTimeOffset OccurredAt,
    string StreamId,
    string Reason,
    long FirstSequence,
    long LastSequence,
    long Count
) : IEvent;

/// <summary>Call records that an edge instance numbered never arrived.</summary>
public sealed record AuditGapDetected(
    Guid EventId,
    Guid WorkspaceId,
    DateTimeOffset OccurredAt,
    string Instance,
    long FirstNumber,
    long LastNumber
) : IEvent;
