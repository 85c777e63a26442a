using Grpc.Core;
using Platform.Directory.Contracts.V1;
using Platform.Identity.Service.Keycloak;
using Platform.ServiceDefaults.Calls;

namespace Platform.Identity.Service.Joining;

/// <summary>What stands between a person and their account.</summary>
/// <param name="Rules">What passwords must be like, a sentence each.</param>
/// <param name="Problem">A sentence about what they sent; empty when they were not asked before.</param>
internal sealed record MissingAccount(IReadOnlyList<string> Rules, string Problem);

/// <summary>How an attempt to accept an invitation ended.</summary>
/// <param name="Offer">Null for a link that leads nowhere.</param>
/// <param name="Missing">Set when the person needs an account first. Nothing was changed.</param>
/// <param name="HasNewAccount">True when an account was created just now, with the password that was chosen.</param>
internal sealed record Acceptance(Offer? Offer, MissingAccount? Missing = null, bool HasNewAccount = false);

/// <summary>
/// The account was created, and whether directory accepted the invitation could not be learned. Opening the link again finishes the job.
/// </summary>
internal sealed class HalfwayException(Exception inner)
    : Exception("The account was created; the invitation may be accepted or not.", inner);

/// <summary>
/// Lets the person with an invitation's link accept it. Directory checks the invitation first, so that one which ended creates no account;
/// then the account is created; then directory accepts, in one transaction of its own. Every step can be repeated: what fails in between
/// leaves an account without a membership, and the same link goes on from there.
/// </summary>
internal sealed class InvitationAcceptance(
    Directory.Contracts.V1.Joining.JoiningClient directory,
    ServiceAssertions assertions,
    JoinAccounts accounts
)
{
    // Less than the edge waits for the page.
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(8);

    /// <summary>Null for a link that leads nowhere.</summary>
    /// <exception cref="RpcException">Directory is away.</exception>
    public async Task<Offer?> FindAsync(string token, CancellationToken cancellationToken)
    {
        using var limit = Limit(cancellationToken);
        var headers = await assertions.HeadersAsync("directory", limit.Token);
        return (await directory.FindOfferAsync(new FindOfferRequest { Token = token }, headers, cancellationToken: limit.Token)).Offer;
    }

    /// <summary>The state <see cref="OfferState.Joined"/> comes once.</summary>
    /// <param name="chosen">What a person without an account is to sign in with.</param>
    /// <exception cref="RpcException">Directory refused, or gave no answer: the invitation may be accepted then.</exception>
    /// <exception cref="KeycloakUnavailableException">The realm is away. The invitation is not accepted; an account may exist.</exception>
    /// <exception cref="HalfwayException">The account was created, and the invitation may be accepted.</exception>
    public async Task<Acceptance> AcceptAsync(string token, ChosenAccount chosen, CancellationToken cancellationToken)
    {
        using var limit = Limit(cancellationToken);
        var request = new AcceptOfferRequest { Token = token };
        var offer = await AcceptAsync(request, limit.Token);
        if (offer is not { State: OfferState.AccountNeeded })
        {
            return new Acceptance(offer);
        }

        var answer = await accounts.EnsureAsync(offer.Email, chosen, limit.Token);
        if (Missing(answer) is { } missing)
        {
            return new Acceptance(offer, missing);
        }

        var isNew = answer.Outcome == AccountOutcome.Created;
        request.Account = isNew ? AccountState.Created : AccountState.Existing;
        request.Name = answer.Name;
        try
        {
            return new Acceptance(await AcceptAsync(request, limit.Token), HasNewAccount: isNew);
        }
        catch (Exception exception) when (isNew && exception is RpcException or OperationCanceledException)
        {
            throw new HalfwayException(exception);
        }
    }

    private async Task<Offer?> AcceptAsync(AcceptOfferRequest request, CancellationToken cancellationToken)
    {
        var headers = await assertions.HeadersAsync("directory", cancellationToken);
        return (await directory.AcceptOfferAsync(request, headers, cancellationToken: cancellationToken)).Offer;
    }

    private static MissingAccount? Missing(AccountAnswer answer) =>
        answer.Outcome switch
        {
            AccountOutcome.PasswordNeeded => new(answer.PasswordRules, ""),
            AccountOutcome.PasswordRefused => new(answer.PasswordRules, "This password is not allowed. Choose another one."),
            AccountOutcome.NameRefused => new([], "This name is not allowed. Leave out signs such as brackets, and try again."),
            _ => null,
        };

    private static CancellationTokenSource Limit(CancellationToken cancellationToken)
    {
        var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(_patience);
        return limit;
    }
}
