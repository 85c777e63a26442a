using Platform.Identity.Service.Keycloak;
using Platform.Identity.Service.Realm;

namespace Platform.Identity.Service.Demo;

/// <summary>Keeps the accounts of the demo members in the realm. There are none outside Development.</summary>
internal sealed class DemoAccounts(DemoCredentials demo, KeycloakUsers users) : IRealmFollower
{
    public async Task ReconciledAsync(CancellationToken cancellationToken)
    {
        foreach (var member in demo.Members)
        {
            await users.PutAsync(member.Username, member.Email, member.DisplayName, member.Password, cancellationToken);
        }
    }
}
