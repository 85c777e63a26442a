using System.Text.Json.Nodes;

namespace Platform.Identity.EmbeddedRealm.State;

/// <summary>
/// Everything that outlives a restart, as it stands in the realm's file of the data folder. What the admin API hands out and takes back
/// whole is kept as it is there.
/// </summary>
internal sealed class RealmState
{
    public required string Id { get; init; }

    /// <summary>The settings of the realm itself.</summary>
    public required JsonObject Settings { get; init; }

    public List<JsonObject> Roles { get; init; } = [];

    public List<JsonObject> Clients { get; init; } = [];

    /// <summary>With their mappers, and under <see cref="ServedRealm.RolesOfScope"/> the roles that they let into tokens.</summary>
    public List<JsonObject> ClientScopes { get; init; } = [];

    public List<string> DefaultScopes { get; init; } = [];

    public List<string> OptionalScopes { get; init; } = [];

    public List<JsonObject> Components { get; init; } = [];

    public JsonArray ClientProfiles { get; set; } = [];

    public JsonArray ClientPolicies { get; set; } = [];

    public List<User> Users { get; init; } = [];

    public List<SigningKey> Keys { get; init; } = [];

    /// <summary>For what the realm alone reads: refresh tokens and the browser's session.</summary>
    public required byte[] OwnKey { get; init; }

    public List<Session> Sessions { get; init; } = [];

    public List<Grant> Grants { get; init; } = [];

    public List<JsonObject> Events { get; init; } = [];

    public List<JsonObject> AdminEvents { get; init; } = [];
}

internal sealed class User
{
    public required string Id { get; init; }

    public required string Username { get; set; }

    public string? Email { get; set; }

    public bool EmailVerified { get; set; }

    public bool Enabled { get; set; }

    public string? FirstName { get; set; }

    public string? LastName { get; set; }

    public DateTimeOffset Created { get; init; }

    public string? PasswordHash { get; set; }

    public List<string> RequiredActions { get; set; } = [];

    public JsonObject Attributes { get; set; } = [];

    public HashSet<string> RealmRoles { get; init; } = [];

    /// <summary>By client id.</summary>
    public Dictionary<string, HashSet<string>> ClientRoles { get; init; } = [];

    public string? ServiceAccountClientId { get; init; }

    public List<Consent> Consents { get; init; } = [];

    /// <summary>What was issued before is good no longer.</summary>
    public DateTimeOffset? NotBefore { get; set; }

    public LoginFailures? Failures { get; set; }
}

internal sealed class Consent
{
    public required string ClientId { get; init; }

    public HashSet<string> Scopes { get; init; } = [];

    public DateTimeOffset Created { get; init; }

    public DateTimeOffset Changed { get; set; }
}

internal sealed class LoginFailures
{
    public int Count { get; set; }

    public DateTimeOffset Last { get; set; }

    public DateTimeOffset? NotBefore { get; set; }

    public string? Address { get; set; }
}

/// <summary>A private key; the one of the highest priority signs, all are published.</summary>
internal sealed record SigningKey(string Id, string ComponentId, int Priority, DateTimeOffset Created, byte[] Pkcs8);

/// <summary>Somebody is signed in with a browser.</summary>
internal sealed class Session
{
    public required string Id { get; init; }

    public required string UserId { get; init; }

    public required DateTimeOffset Started { get; init; }

    public DateTimeOffset Signed { get; set; }

    public DateTimeOffset LastUsed { get; set; }

    public string? Address { get; set; }
}

/// <summary>What one code was exchanged for: the line of refresh tokens of which the last one alone is good.</summary>
internal sealed class Grant
{
    public required string Id { get; init; }

    public required string SessionId { get; init; }

    public required string UserId { get; init; }

    public required string ClientId { get; init; }

    /// <summary>Every scope it holds, the client's own default ones too.</summary>
    public required HashSet<string> Scopes { get; init; }

    public required bool IsOffline { get; init; }

    public required DateTimeOffset Started { get; init; }

    public required DateTimeOffset Signed { get; init; }

    public DateTimeOffset LastUsed { get; set; }

    /// <summary>The refresh token that is good; null before the first.</summary>
    public string? Current { get; set; }
}
