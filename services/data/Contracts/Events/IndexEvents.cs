using Platform.Contracts;

namespace Platform.Data.Contracts.Events;

/// <summary>The service made an index by itself, for searches that were frequent and slow.</summary>
/// <param name="Keys">Fields by id, each with its use: <c>Equal</c>, <c>Range</c>, <c>Ascending</c>, <c>Descending</c>.</param>
/// <param name="Searches">How many there were before; null when the process that counted them ended in between.</param>
/// <param name="MeanMilliseconds">How long they took.</param>
public sealed record IndexEarned(
    Guid EventId,
    Guid WorkspaceId,
    DateTimeOffset OccurredAt,
    string TableId,
    IReadOnlyList<string> Keys,
    long? Searches,
    double? MeanMilliseconds
) : IEvent;

/// <summary>An index that the service had made is no more.</summary>
/// <param name="Reason">
/// <c>unused</c>, <c>field_gone</c>, or <c>gone</c> when it was damaged or dropped with its table or column, or when the longest value of
/// a field changed.
/// </param>
public sealed record IndexDropped(
    Guid EventId,
    Guid WorkspaceId,
    DateTimeOffset OccurredAt,
    string TableId,
    IReadOnlyList<string> Keys,
    string Reason
) : IEvent;
