using Platform.Contracts;

namespace Platform.Directory.Contracts;

/// <summary>All invitations of one call. Neither addresses nor tokens travel: whoever needs the address asks for it.</summary>
/// <param name="InvitationIds"><c>inv_…</c>, up to 1,000.</param>
/// <param name="Count">How many there are in all.</param>
/// <param name="OrganizationIds">The organizations they are for, <c>org_…</c>, each once.</param>
public sealed record InvitationsCreated(
    Guid EventId,
    Guid WorkspaceId,
    DateTimeOffset OccurredAt,
    IReadOnlyList<string> InvitationIds,
    int Count,
    IReadOnlyList<string> OrganizationIds
) : IEvent;

/// <param name="InvitationId"><c>inv_…</c></param>
/// <param name="OrganizationId"><c>org_…</c></param>
public sealed record InvitationRevoked(
    Guid EventId,
    Guid WorkspaceId,
    DateTimeOffset OccurredAt,
    string InvitationId,
    string OrganizationId
) : IEvent;

/// <param name="InvitationId"><c>inv_…</c></param>
/// <param name="OrganizationId"><c>org_…</c></param>
public sealed record InvitationResent(Guid EventId, Guid WorkspaceId, DateTimeOffset OccurredAt, string InvitationId, string OrganizationId)
    : IEvent;

/// <summary>Whoever read the mail has joined.</summary>
/// <param name="InvitationId"><c>inv_…</c></param>
/// <param name="OrganizationId"><c>org_…</c></param>
/// <param name="UserId"><c>usr_…</c></param>
public sealed record InvitationAccepted(
    Guid EventId,
    Guid WorkspaceId,
    DateTimeOffset OccurredAt,
    string InvitationId,
    string OrganizationId,
    string UserId
) : IEvent;
