using Grpc.Core;
using Microsoft.Extensions.Options;
using Platform.Identity.Contracts.V1;

namespace Platform.Directory.Service;

/// <summary>What a person chose to sign in with. The password is handed on and kept nowhere.</summary>
/// <param name="Password">Empty: nothing was chosen yet.</param>
internal sealed record ChosenAccount(string Name, string Password)
{
    public static ChosenAccount None { get; } = new("", "");

    // Records print their members; this one is not to.
    public override string ToString() => nameof(ChosenAccount);
}

/// <summary>What stands between a person and their account.</summary>
/// <param name="Rules">What passwords must be like, a sentence each.</param>
/// <param name="Problem">A sentence about what they sent; empty when they were not asked before.</param>
internal sealed record MissingAccount(IReadOnlyList<string> Rules, string Problem);

/// <summary>Asks identity for accounts, as the directory. Each time with an assertion of its own: people join rarely.</summary>
internal sealed class JoinAccounts(IServiceProvider services, IOptions<JoinOptions> options)
{
    // Within what the edge waits for the page.
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(8);

    /// <summary>Sees to it that whoever has proved this address can sign in. Does nothing where there is an account.</summary>
    /// <returns>What is missing, or whether an account was made.</returns>
    /// <exception cref="RpcException">Identity, or the realm behind it, is away.</exception>
    public async Task<(MissingAccount? Missing, bool IsNew)> EnsureAsync(
        string email,
        ChosenAccount chosen,
        CancellationToken cancellationToken
    )
    {
        if (options.Value.ServiceSecret.Length == 0)
        {
            return (null, false);
        }

        // Asked for here and not in the constructor: without a secret nobody needs to say where identity is.
        var deadline = DateTime.UtcNow + _patience;
        var assertion = await services
            .GetRequiredService<Callers.CallersClient>()
            .IssueServiceAssertionAsync(
                new IssueServiceAssertionRequest
                {
                    Service = "directory",
                    Secret = options.Value.ServiceSecret,
                    Audience = "identity",
                },
                deadline: deadline,
                cancellationToken: cancellationToken
            );
        var answer = await services
            .GetRequiredService<Accounts.AccountsClient>()
            .CreateAccountAsync(
                new CreateAccountRequest
                {
                    Email = email,
                    Name = chosen.Name,
                    Password = chosen.Password,
                },
                new Grpc.Core.Metadata { { "authorization", $"Bearer {assertion.Assertion}" } },
                deadline,
                cancellationToken
            );
        return answer.Outcome switch
        {
            AccountOutcome.PasswordNeeded => (new MissingAccount(answer.PasswordRules, ""), false),
            AccountOutcome.PasswordRefused => (
                new MissingAccount(answer.PasswordRules, "This password is not allowed. Choose another one."),
                false
            ),
            AccountOutcome.NameRefused => (
                new MissingAccount([], "This name is not allowed. Leave out signs such as brackets, and try again."),
                false
            ),
            var outcome => (null, outcome == AccountOutcome.AccountCreated),
        };
    }
}
