using Platform.Contracts;

namespace Platform.Directory.Contracts;

/// <param name="OrganizationId"><c>org_…</c></param>
/// <param name="Domains">Normalised: lower case, ASCII.</param>
public sealed record OrganizationCreated(
    Guid EventId,
    Guid WorkspaceId,
    DateTimeOffset OccurredAt,
    string OrganizationId,
    string Name,
    string? ExternalId,
    IReadOnlyList<string> Domains
) : IEvent;

/// <param name="OrganizationId"><c>org_…</c></param>
/// <param name="Version">The version after the change.</param>
/// <param name="Changes">Only what changed.</param>
public sealed record OrganizationUpdated(
    Guid EventId,
    Guid WorkspaceId,
    DateTimeOffset OccurredAt,
    string OrganizationId,
    long Version,
    IReadOnlyList<FieldChange> Changes
) : IEvent;

/// <param name="Field"><c>name</c>, <c>externalId</c>, <c>domains</c> (a domain came or went), or <c>metadata.&lt;key&gt;</c>.</param>
/// <param name="Before">Null when there was no value.</param>
/// <param name="After">Null when the value was removed.</param>
public sealed record FieldChange(string Field, string? Before, string? After);

/// <param name="OrganizationId"><c>org_…</c></param>
/// <param name="Domains">How many domains went with it.</param>
/// <param name="Invitations">How many invitations, in whatever state.</param>
/// <param name="Memberships">How many memberships. The users stay.</param>
public sealed record OrganizationDeleted(
    Guid EventId,
    Guid WorkspaceId,
    DateTimeOffset OccurredAt,
    string OrganizationId,
    string Name,
    int Domains,
    int Invitations,
    int Memberships
) : IEvent;
