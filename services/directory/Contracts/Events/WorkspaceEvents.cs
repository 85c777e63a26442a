using Platform.Contracts;

namespace Platform.Directory.Contracts;

/// <param name="Name">What people call it.</param>
/// <param name="EnvironmentIds"><c>env_…</c>: those it began with, one of each kind.</param>
public sealed record WorkspaceCreated(
    Guid EventId,
    Guid WorkspaceId,
    DateTimeOffset OccurredAt,
    string Name,
    IReadOnlyList<string> EnvironmentIds
) : IEvent;

/// <param name="MemberId"><c>mbr_…</c></param>
/// <param name="Roles">Role by environment id.</param>
public sealed record MemberAdded(
    Guid EventId,
    Guid WorkspaceId,
    DateTimeOffset OccurredAt,
    string MemberId,
    IReadOnlyDictionary<string, string> Roles
) : IEvent;

/// <summary>From here on the account with this subject acts as the member.</summary>
/// <param name="MemberId"><c>mbr_…</c></param>
/// <param name="Subject">The account at the identity provider.</param>
public sealed record MemberSubjectBound(Guid EventId, Guid WorkspaceId, DateTimeOffset OccurredAt, string MemberId, string Subject)
    : IEvent;
