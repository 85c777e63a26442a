using Platform.Identity.Service.Keycloak;
using Platform.ServiceDefaults.Calls;

namespace Platform.Identity.Service.Accounts;

/// <summary>What directory asks for people who accept an invitation, one file per rpc.</summary>
[ServicesOnly("directory")]
internal sealed partial class AccountsService(
    KeycloakUsers users,
    KeycloakAdmin keycloak,
    Microsoft.Extensions.Options.IOptions<KeycloakOptions> options,
    ILogger<AccountsService> log
) : Contracts.V1.Accounts.AccountsBase;
