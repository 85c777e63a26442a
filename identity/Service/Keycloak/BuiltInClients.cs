namespace Platform.Identity.Service.Keycloak;

/// <summary>Clients that every realm of Keycloak comes with. None of them acts for an agent, and nobody registered them.</summary>
internal static class BuiltInClients
{
    public static IReadOnlyList<string> Ids { get; } =
    ["account", "account-console", "admin-cli", "broker", "realm-management", "security-admin-console"];
}
