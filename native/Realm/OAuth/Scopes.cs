using Platform.Native.Realm.State;

namespace Platform.Native.Realm.OAuth;

internal static class Scopes
{
    /// <summary>A scope that this client may not ask for.</summary>
    public static string? Unknown(Client client, IEnumerable<string> scopes) =>
        scopes.Except(client.DefaultScopes).Except(client.OptionalScopes).FirstOrDefault(scope => scope != "openid");

    public static HashSet<string> Split(string? scopes) => [.. (scopes ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries)];
}
