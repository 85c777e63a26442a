using Grpc.Core;
using Platform.Identity.Contracts.V1;
using Platform.Identity.Service.Keycloak;
using Platform.ServiceDefaults.Calls;

namespace Platform.Identity.Service.Accounts;

internal sealed partial class AccountsService
{
    public override async Task<CreateAccountResponse> CreateAccount(CreateAccountRequest request, ServerCallContext context)
    {
        if (request.Email.Length == 0)
        {
            throw Problem.Invalid("email", "is required", "Send the address that was proved.");
        }

        try
        {
            return options.Value is { IsConfigured: true, CreateAccounts: true }
                ? await CreateAsync(request, context.CancellationToken)
                : new CreateAccountResponse { Outcome = AccountOutcome.NotOffered };
        }
        catch (KeycloakUnavailableException exception)
        {
            LogKeycloakAway(exception);
            throw Problem.Unavailable("The sign-in server");
        }
    }

    private async Task<CreateAccountResponse> CreateAsync(CreateAccountRequest request, CancellationToken cancellationToken)
    {
        if (await users.ExistsAsync(request.Email, cancellationToken))
        {
            return new CreateAccountResponse { Outcome = AccountOutcome.AccountExists };
        }

        // Without this the realm would make an account that nobody can sign in to.
        if (request.Password.Length == 0)
        {
            return await WithRulesAsync(AccountOutcome.PasswordNeeded, cancellationToken);
        }

        var name = request.Name.Trim();
        if (name.Length == 0)
        {
            return new CreateAccountResponse { Outcome = AccountOutcome.NameRefused };
        }

        var made = await users.CreateAsync(request.Email, name, request.Password, cancellationToken);
        return made switch
        {
            AccountOutcome.AccountCreated => Made(),
            AccountOutcome.PasswordRefused => await WithRulesAsync(made, cancellationToken),
            _ => new CreateAccountResponse { Outcome = made },
        };
    }

    private async Task<CreateAccountResponse> WithRulesAsync(AccountOutcome outcome, CancellationToken cancellationToken) =>
        new()
        {
            Outcome = outcome,
            PasswordRules = { PasswordRules.Describe((string?)(await keycloak.GetAsync("", cancellationToken))?["passwordPolicy"]) },
        };

    private CreateAccountResponse Made()
    {
        LogMade();
        return new CreateAccountResponse { Outcome = AccountOutcome.AccountCreated };
    }

    [LoggerMessage(4101, LogLevel.Information, "Made an account for somebody who accepted an invitation")]
    private partial void LogMade();

    [LoggerMessage(4102, LogLevel.Warning, "An account could not be made because Keycloak does not answer as it should")]
    private partial void LogKeycloakAway(Exception exception);
}
