using System.Net;
using System.Text.Json.Nodes;

namespace Platform.Identity.Service.Keycloak;

/// <summary>A person's account in the realm.</summary>
/// <param name="Name">What the account calls its person; may be empty.</param>
internal sealed record KeycloakUser(string Subject, string Username, string? Email, bool EmailVerified, bool Enabled, string Name);

/// <summary>The accounts of the realm, and what people have agreed to in it.</summary>
internal sealed class KeycloakUsers(KeycloakAdmin keycloak)
{
    public async Task<KeycloakUser?> FindAsync(string subject, CancellationToken cancellationToken) =>
        await keycloak.GetAsync($"users/{Uri.EscapeDataString(subject)}", cancellationToken) is { } user ? Read(user) : null;

    /// <summary>The clients a person agreed to, with the scopes they agreed to and when.</summary>
    public Task<JsonArray> ListConsentsAsync(string subject, CancellationToken cancellationToken) =>
        keycloak.ListAsync($"users/{Uri.EscapeDataString(subject)}/consents", cancellationToken);

    /// <summary>What a client calls itself; its id when it has no name, or is gone.</summary>
    public async Task<string> ClientNameAsync(string clientId, CancellationToken cancellationToken) =>
        (await keycloak.ListAsync($"clients?clientId={Uri.EscapeDataString(clientId)}", cancellationToken)).FirstOrDefault() is { } client
        && (string?)client["name"] is { Length: > 0 } name
            ? name
            : clientId;

    /// <summary>
    /// Takes a consent back, with the refresh tokens that hang on it. Access tokens live on until somebody looks at our own record.
    /// </summary>
    public Task RevokeConsentAsync(string subject, string clientId, CancellationToken cancellationToken) =>
        keycloak.DeleteAsync($"users/{Uri.EscapeDataString(subject)}/consents/{Uri.EscapeDataString(clientId)}", cancellationToken);

    /// <summary>Ends a session with its refresh tokens.</summary>
    public Task EndSessionAsync(string session, CancellationToken cancellationToken) =>
        keycloak.DeleteAsync($"sessions/{Uri.EscapeDataString(session)}", cancellationToken);

    public Task<JsonArray> ListSessionsAsync(string subject, CancellationToken cancellationToken) =>
        keycloak.ListAsync($"users/{Uri.EscapeDataString(subject)}/sessions", cancellationToken);

    /// <summary>The account that signs in with this address; null when none does.</summary>
    public async Task<KeycloakUser?> FindByAddressAsync(string email, CancellationToken cancellationToken) =>
        await FindFirstAsync($"email={Uri.EscapeDataString(email)}", cancellationToken)
        ?? await FindFirstAsync($"username={Uri.EscapeDataString(email)}", cancellationToken);

    /// <summary>
    /// Makes the account of an address that its person has proved and that had none a moment ago, with the password they chose. One
    /// request, so that nothing is left when the realm refuses it, and one that never changes an account: of two at the same moment the
    /// second finds one.
    /// </summary>
    public async Task<AccountOutcome> CreateAsync(string email, string name, string password, CancellationToken cancellationToken)
    {
        var names = name.Split(' ', 2, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var wanted = new JsonObject
        {
            ["username"] = email,
            ["email"] = email,
            ["emailVerified"] = true,
            ["enabled"] = true,
            // Both, or the first sign-in asks for what is missing.
            ["firstName"] = names[0],
            ["lastName"] = names[^1],
            ["credentials"] = new JsonArray(
                new JsonObject
                {
                    ["type"] = "password",
                    ["value"] = password,
                    ["temporary"] = false,
                }
            ),
        };
        var (status, problem) = await keycloak.TryPostAsync("users", wanted, cancellationToken);
        if (status == HttpStatusCode.BadRequest && FieldsOf(problem).Contains("username"))
        {
            // Some addresses are not allowed as user names. People sign in with the address anyway.
            wanted["username"] = Guid.NewGuid().ToString();
            (status, problem) = await keycloak.TryPostAsync("users", wanted, cancellationToken);
        }

        return status switch
        {
            HttpStatusCode.Created => AccountOutcome.Created,
            HttpStatusCode.Conflict => AccountOutcome.Exists,
            HttpStatusCode.BadRequest when ((string?)problem?["error"])?.StartsWith("invalidPassword", StringComparison.Ordinal) == true =>
                AccountOutcome.PasswordRefused,
            HttpStatusCode.BadRequest when FieldsOf(problem).Intersect(["firstName", "lastName"]).Any() => AccountOutcome.NameRefused,
            // Without its text, which is about what the person typed.
            _ => throw new KeycloakUnavailableException($"Keycloak answered {(int)status} to a new account."),
        };
    }

    /// <summary>Makes an account, or sets the password of the one that is there. For demo workspaces only.</summary>
    public async Task<KeycloakUser> PutAsync(
        string username,
        string email,
        string displayName,
        string password,
        CancellationToken cancellationToken
    )
    {
        var byUsername = $"username={Uri.EscapeDataString(username)}";
        var found = await FindFirstAsync(byUsername, cancellationToken);
        var names = displayName.Split(' ', 2);
        var wanted = new JsonObject
        {
            ["username"] = username,
            ["email"] = email,
            ["emailVerified"] = true,
            ["enabled"] = true,
            ["firstName"] = names[0],
            ["lastName"] = names[^1],
            ["requiredActions"] = new JsonArray(),
            ["credentials"] = new JsonArray(
                new JsonObject
                {
                    ["type"] = "password",
                    ["value"] = password,
                    ["temporary"] = false,
                }
            ),
        };
        if (found is null)
        {
            await keycloak.PostAsync("users", wanted, cancellationToken);
            found = await FindFirstAsync(byUsername, cancellationToken)
                ?? throw new KeycloakUnavailableException("The account that was created is not there.");
        }
        else
        {
            await keycloak.PutAsync($"users/{found.Subject}", wanted, cancellationToken);
        }

        return found with
        {
            Email = email,
            EmailVerified = true,
            Name = displayName,
        };
    }

    private async Task<KeycloakUser?> FindFirstAsync(string exactly, CancellationToken cancellationToken) =>
        (await keycloak.ListAsync($"users?exact=true&{exactly}", cancellationToken)).FirstOrDefault() is { } user ? Read(user) : null;

    // One violation stands by itself, several in a list.
    private static IEnumerable<string?> FieldsOf(JsonNode? problem) =>
        problem?["errors"] is JsonArray several ? several.Select(violation => (string?)violation?["field"]) : [(string?)problem?["field"]];

    private static KeycloakUser Read(JsonNode user) =>
        new(
            (string)user["id"]!,
            (string)user["username"]!,
            (string?)user["email"],
            (bool?)user["emailVerified"] ?? false,
            (bool?)user["enabled"] ?? false,
            NameOf((string?)user["firstName"] ?? "", (string?)user["lastName"] ?? "")
        );

    // The realm asks for two names; who has one has it twice.
    private static string NameOf(string first, string last) => first == last ? first : $"{first} {last}".Trim();
}
