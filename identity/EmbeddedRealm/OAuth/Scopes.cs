using Platform.Identity.EmbeddedRealm.State;

namespace Platform.Identity.EmbeddedRealm.OAuth;

internal static class Scopes
{
    /// <summary>A scope that this client may not ask for.</summary>
    public static string? Unknown(Client client, IEnumerable<string> scopes) =>
        scopes.Except(client.DefaultScopes).Except(client.OptionalScopes).FirstOrDefault(scope => scope != "openid");

    public static HashSet<string> Split(string? scopes) => [.. (scopes ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries)];
}
