using System.Globalization;
using System.Text.Json.Nodes;
using Platform.Identity.EmbeddedRealm.SignIn;

namespace Platform.Identity.EmbeddedRealm.State;

/// <summary>A realm as it runs. Whoever works with it holds <see cref="Gate"/>.</summary>
internal sealed partial class ServedRealm(string name, string publicUrl, RealmState state, TimeProvider time)
{
    /// <summary>The member of a client scope that lists the roles it lets into tokens: <c>name</c>, or <c>client/name</c>.</summary>
    public const string RolesOfScope = "platform.roles";

    private bool _changed;
    private long _version;

    public string Name => name;

    public string Issuer { get; } = $"{publicUrl}/realms/{name}";

    public string PublicUrl => publicUrl;

    public RealmState State => state;

    public DateTimeOffset Now => time.GetUtcNow();

    public SemaphoreSlim Gate { get; } = new(1, 1);

    public SemaphoreSlim Writing { get; } = new(1, 1);

    public long WrittenVersion { get; set; }

    /// <summary>Sign-ins that are under way. They begin anew after a restart.</summary>
    public PendingSignIns Pending { get; } = new(time);

    public AuthorizationCodes Codes { get; } = new(time);

    /// <summary>What was changed is written before the answer goes out.</summary>
    public void Changed() => _changed = true;

    public bool TakeChanged() => _changed && !(_changed = false);

    public long NextVersion() => ++_version;

    public bool IsOn(string setting) => state.Settings[setting].IsTrue();

    public TimeSpan Seconds(string setting, int otherwise) => TimeSpan.FromSeconds(Number(setting, otherwise));

    public int Number(string setting, int otherwise) =>
        int.TryParse(state.Settings[setting]?.ToString(), CultureInfo.InvariantCulture, out var value) ? value : otherwise;

    public Client? FindClient(string? clientId) =>
        state.Clients.Find(client => (string)client["clientId"]! == clientId) is { } found ? new Client(found) : null;

    public Client? FindClientById(string id) =>
        state.Clients.Find(client => (string)client["id"]! == id) is { } found ? new Client(found) : null;

    public JsonObject? FindScope(string name) => state.ClientScopes.Find(scope => (string)scope["name"]! == name);

    public JsonObject? FindScopeById(string id) => state.ClientScopes.Find(scope => (string)scope["id"]! == id);

    public User? FindUser(string id) => state.Users.Find(user => user.Id == id);

    public User? FindUserByLogin(string login) =>
        state.Users.Find(user =>
            user.ServiceAccountClientId is null
            && (
                user.Username.Equals(login, StringComparison.OrdinalIgnoreCase)
                || (IsOn("loginWithEmailAllowed") && login.Equals(user.Email, StringComparison.OrdinalIgnoreCase))
            )
        );

    /// <summary>The session, unless it is over.</summary>
    public Session? FindSession(string? id) =>
        state.Sessions.Find(session => session.Id == id) is { } found && IsAlive(found) ? found : null;

    public Grant? FindGrant(string id) => state.Grants.Find(grant => grant.Id == id) is { } found && IsAlive(found) ? found : null;

    /// <summary>Ends a sign-in, with all refresh tokens; offline ones only on request.</summary>
    public void EndSession(string id, bool offlineToo)
    {
        state.Sessions.RemoveAll(session => session.Id == id);
        state.Grants.RemoveAll(grant => grant.SessionId == id && (offlineToo || !grant.IsOffline));
        Changed();
    }

    public void RemoveConsent(User user, string clientId)
    {
        user.Consents.RemoveAll(consent => consent.ClientId == clientId);
        state.Grants.RemoveAll(grant => grant.UserId == user.Id && grant.ClientId == clientId);
        Changed();
    }

    /// <summary>Drops what is over.</summary>
    public void Prune()
    {
        state.Grants.RemoveAll(grant => !IsAlive(grant));
        state.Sessions.RemoveAll(session => !IsAlive(session));
    }

    private bool IsAlive(Session session) =>
        Now < session.LastUsed + Seconds("ssoSessionIdleTimeout", 1800) && Now < session.Started + Seconds("ssoSessionMaxLifespan", 36000);

    private bool IsAlive(Grant grant) =>
        grant.IsOffline
            ? Now < grant.LastUsed + Seconds("offlineSessionIdleTimeout", 2592000)
                && (!IsOn("offlineSessionMaxLifespanEnabled") || Now < grant.Started + Seconds("offlineSessionMaxLifespan", 5184000))
            : FindSession(grant.SessionId) is not null;
}
