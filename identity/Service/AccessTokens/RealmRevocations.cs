using Platform.Identity.Service.Keycloak;
using Platform.Identity.Service.Realm;

namespace Platform.Identity.Service.AccessTokens;

/// <summary>Takes access tokens back when their session, consent or account ends in the realm.</summary>
internal sealed class RealmRevocations(Revocations revocations, KeycloakUsers users) : IRealmFollower
{
    public Task ReconciledAsync(CancellationToken cancellationToken) => revocations.DropExpiredAsync(cancellationToken);

    public async Task ActAsync(RealmEvent happened, CancellationToken cancellationToken)
    {
        switch (happened)
        {
            case RealmEvent.SessionEnded ended:
                await revocations.RevokeSessionAsync(ended.Id, ended.Session, cancellationToken);
                break;
            case RealmEvent.SignInEnded ended:
                await revocations.RevokeSignInAsync(ended.Id, ended.Session, ended.ClientId, ended.At, cancellationToken);
                break;
            case RealmEvent.GrantRevoked revoked:
                await revocations.RevokeGrantAsync(revoked.Id, revoked.Subject, revoked.ClientId, revoked.At, cancellationToken);
                break;
            case RealmEvent.AccountChanged account when await users.FindAsync(account.Subject, cancellationToken) is not { Enabled: true }:
                await revocations.RevokeGrantAsync(account.Id, account.Subject, null, account.At, cancellationToken);
                break;
        }
    }
}
