using Microsoft.Extensions.Options;
using Platform.Identity.Service.Keycloak;

namespace Platform.Identity.Service.Joining;

/// <summary>What a person chose to sign in with. The password is handed on to the realm and kept nowhere.</summary>
/// <param name="Password">Empty: nothing was chosen yet.</param>
internal sealed record ChosenAccount(string Name, string Password)
{
    public static ChosenAccount None { get; } = new("", "");

    // Records print their members; this one must not.
    public override string ToString() => nameof(ChosenAccount);
}

/// <param name="Name">What the account calls its person; empty when there is no account, or it has no name.</param>
/// <param name="PasswordRules">What the realm demands of passwords, a sentence each; when the person is asked for one.</param>
internal sealed record AccountAnswer(AccountOutcome Outcome, string Name, IReadOnlyList<string> PasswordRules)
{
    public static implicit operator AccountAnswer(AccountOutcome outcome) => new(outcome, "", []);
}

/// <summary>Accounts for people who have proved an address by opening the link that was mailed to it.</summary>
internal sealed partial class JoinAccounts(
    KeycloakUsers users,
    KeycloakAdmin keycloak,
    IOptions<KeycloakOptions> options,
    ILogger<JoinAccounts> log
)
{
    /// <summary>
    /// Creates the account of a proved address unless there is one. An account that exists is never changed, so a repetition is harmless.
    /// </summary>
    /// <exception cref="KeycloakUnavailableException">The realm does not answer as it should.</exception>
    public async Task<AccountAnswer> EnsureAsync(string email, ChosenAccount chosen, CancellationToken cancellationToken)
    {
        if (options.Value is not { IsConfigured: true, CreateAccounts: true })
        {
            return AccountOutcome.NotOffered;
        }

        try
        {
            return await CreateAsync(email, chosen, cancellationToken);
        }
        catch (KeycloakUnavailableException exception)
        {
            LogKeycloakAway(exception);
            throw;
        }
    }

    private async Task<AccountAnswer> CreateAsync(string email, ChosenAccount chosen, CancellationToken cancellationToken)
    {
        if (await users.FindByAddressAsync(email, cancellationToken) is { } found)
        {
            return new AccountAnswer(AccountOutcome.Exists, found.Name, []);
        }

        // Without this the realm would create an account that nobody can sign in to.
        if (chosen.Password.Length == 0)
        {
            return await WithRulesAsync(AccountOutcome.PasswordNeeded, cancellationToken);
        }

        var name = chosen.Name.Trim();
        if (name.Length == 0)
        {
            return await WithRulesAsync(AccountOutcome.NameRefused, cancellationToken);
        }

        var outcome = await users.CreateAsync(email, name, chosen.Password, cancellationToken);
        if (outcome == AccountOutcome.Created)
        {
            LogCreated();
        }

        return outcome switch
        {
            AccountOutcome.Created => new AccountAnswer(outcome, name, []),
            // Another request created it, after this one had found none.
            AccountOutcome.Exists => new AccountAnswer(outcome, (await users.FindByAddressAsync(email, cancellationToken))?.Name ?? "", []),
            AccountOutcome.PasswordRefused or AccountOutcome.NameRefused => await WithRulesAsync(outcome, cancellationToken),
            _ => outcome,
        };
    }

    private async Task<AccountAnswer> WithRulesAsync(AccountOutcome outcome, CancellationToken cancellationToken) =>
        new(outcome, "", [.. PasswordRules.Describe((string?)(await keycloak.GetAsync("", cancellationToken))?["passwordPolicy"])]);

    [LoggerMessage(4101, LogLevel.Information, "Created an account for somebody who accepts an invitation")]
    private partial void LogCreated();

    [LoggerMessage(4102, LogLevel.Warning, "An account could not be created because Keycloak does not answer as it should")]
    private partial void LogKeycloakAway(Exception exception);
}
