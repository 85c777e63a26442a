using Platform.Contracts;

namespace Platform.Directory.Contracts;

/// <summary>All invitations of one call. Neither addresses nor tokens travel.</summary>
/// <param name="InvitationIds"><c>minv_…</c>, up to 100.</param>
public sealed record MemberInvitationsCreated(
    Guid EventId,
    Guid WorkspaceId,
    DateTimeOffset OccurredAt,
    IReadOnlyList<string> InvitationIds
) : IEvent;

/// <param name="InvitationId"><c>minv_…</c></param>
public sealed record MemberInvitationRevoked(Guid EventId, Guid WorkspaceId, DateTimeOffset OccurredAt, string InvitationId) : IEvent;

/// <param name="InvitationId"><c>minv_…</c></param>
public sealed record MemberInvitationResent(Guid EventId, Guid WorkspaceId, DateTimeOffset OccurredAt, string InvitationId) : IEvent;

/// <summary>Whoever read the mail is a member; an account with the same verified address acts as them from its next sign-in on.</summary>
/// <param name="InvitationId"><c>minv_…</c></param>
/// <param name="MemberId"><c>mbr_…</c></param>
/// <param name="AccountMade">True when they had no account to sign in with, and one was made for them.</param>
public sealed record MemberInvitationAccepted(
    Guid EventId,
    Guid WorkspaceId,
    DateTimeOffset OccurredAt,
    string InvitationId,
    string MemberId,
    bool AccountMade = false
) : IEvent;
