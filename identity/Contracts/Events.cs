using Platform.Contracts;

namespace Platform.Identity.Contracts;

/// <summary>Somebody made a personal token. The token itself is in no event.</summary>
/// <param name="MemberId">Whose it is, <c>mbr_…</c>.</param>
/// <param name="TokenId"><c>tok_…</c></param>
public sealed record PersonalTokenCreated(
    Guid EventId,
    Guid WorkspaceId,
    DateTimeOffset OccurredAt,
    string TokenId,
    string MemberId,
    string Name,
    IReadOnlyList<string> Scopes,
    DateTimeOffset ExpiresAt
) : IEvent;

/// <summary>A personal token was taken back. It is refused within a second.</summary>
public sealed record PersonalTokenRevoked(Guid EventId, Guid WorkspaceId, DateTimeOffset OccurredAt, string TokenId, string MemberId)
    : IEvent;

/// <summary>The MCP settings of a workspace changed. Holds them as they are now.</summary>
public sealed record McpSettingsChanged(
    Guid EventId,
    Guid WorkspaceId,
    DateTimeOffset OccurredAt,
    bool Enabled,
    bool ProductionAccess,
    bool WriteAccess,
    bool StrictAudit
) : IEvent;

/// <summary>A member ended one of their sign-ins. What it was given is refused within a second.</summary>
public sealed record SessionEnded(Guid EventId, Guid WorkspaceId, DateTimeOffset OccurredAt, string MemberId, string SessionId) : IEvent;

/// <summary>The governance API refused what a member asked for. Nothing was changed.</summary>
/// <param name="Method">Of HTTP.</param>
/// <param name="Route">The template of the path, without its values.</param>
public sealed record GovernanceRefused(
    Guid EventId,
    Guid WorkspaceId,
    DateTimeOffset OccurredAt,
    string MemberId,
    string Method,
    string Route,
    string Reason
) : IEvent;

/// <summary>A member disconnected an app. What it was given is refused within a second.</summary>
public sealed record ConnectedAppRevoked(Guid EventId, Guid WorkspaceId, DateTimeOffset OccurredAt, string MemberId, string ClientId)
    : IEvent;
