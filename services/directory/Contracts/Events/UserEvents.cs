using Platform.Contracts;

namespace Platform.Directory.Contracts;

/// <summary>Neither addresses nor names of users travel: whoever needs them asks for them.</summary>
/// <param name="UserId"><c>usr_…</c></param>
public sealed record UserCreated(Guid EventId, Guid WorkspaceId, DateTimeOffset OccurredAt, string UserId, string? ExternalId) : IEvent;

/// <param name="UserId"><c>usr_…</c></param>
/// <param name="Version">The version after the change.</param>
/// <param name="Fields">What changed: <c>email</c>, <c>firstName</c>, <c>lastName</c>, <c>externalId</c>, <c>state</c>,
/// <c>metadata.&lt;key&gt;</c>.</param>
/// <param name="State">After the change.</param>
public sealed record UserUpdated(
    Guid EventId,
    Guid WorkspaceId,
    DateTimeOffset OccurredAt,
    string UserId,
    long Version,
    IReadOnlyList<string> Fields,
    string State
) : IEvent;

/// <param name="UserId"><c>usr_…</c></param>
/// <param name="Memberships">How many went with the user.</param>
public sealed record UserDeleted(Guid EventId, Guid WorkspaceId, DateTimeOffset OccurredAt, string UserId, int Memberships) : IEvent;

/// <summary>A user is in an organization from here on, be it anew or again.</summary>
/// <param name="MembershipId"><c>om_…</c></param>
/// <param name="OrganizationId"><c>org_…</c></param>
/// <param name="UserId"><c>usr_…</c></param>
public sealed record MembershipCreated(
    Guid EventId,
    Guid WorkspaceId,
    DateTimeOffset OccurredAt,
    string MembershipId,
    string OrganizationId,
    string UserId,
    string Role
) : IEvent;

/// <param name="MembershipId"><c>om_…</c></param>
/// <param name="OrganizationId"><c>org_…</c></param>
/// <param name="UserId"><c>usr_…</c></param>
/// <param name="Changes"><c>role</c> and <c>state</c>; only what changed.</param>
public sealed record MembershipUpdated(
    Guid EventId,
    Guid WorkspaceId,
    DateTimeOffset OccurredAt,
    string MembershipId,
    string OrganizationId,
    string UserId,
    IReadOnlyList<FieldChange> Changes
) : IEvent;

/// <param name="MembershipId"><c>om_…</c></param>
/// <param name="OrganizationId"><c>org_…</c></param>
/// <param name="UserId"><c>usr_…</c></param>
/// <param name="Role">As it was.</param>
/// <param name="State">As it was.</param>
public sealed record MembershipDeleted(
    Guid EventId,
    Guid WorkspaceId,
    DateTimeOffset OccurredAt,
    string MembershipId,
    string OrganizationId,
    string UserId,
    string Role,
    string State
) : IEvent;
