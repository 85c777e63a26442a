using Grpc.Core;
using Platform.Directory.Contracts.V1;
using Platform.Identity.Service.Keycloak;
using Platform.ServiceDefaults.Calls;

namespace Platform.Identity.Service.Joining;

/// <summary>What stands between a person and their account.</summary>
/// <param name="Rules">What passwords must be like, a sentence each.</param>
/// <param name="Problem">What is wrong with what they sent; null when they were not asked before.</param>
internal sealed record MissingAccount(IReadOnlyList<string> Rules, FormProblem? Problem = null);

/// <param name="Field">Of the form.</param>
/// <param name="Text">Sentences that say what is wrong and what to do.</param>
internal sealed record FormProblem(string Field, string Text);

/// <summary>What became of the password that a person chose.</summary>
internal enum PasswordFate
{
    /// <summary>They were not asked for one.</summary>
    NotAsked,

    /// <summary>It is that of the account which was created for them.</summary>
    Chosen,

    /// <summary>There was an account when it came, which keeps its own.</summary>
    NotUsed,
}

/// <summary>How an attempt to accept an invitation ended.</summary>
/// <param name="Offer">Null for a link that leads nowhere.</param>
/// <param name="Missing">Set when the person needs an account first. Nothing was changed.</param>
internal sealed record Acceptance(Offer? Offer, MissingAccount? Missing = null, PasswordFate Password = PasswordFate.NotAsked);

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
    JoinAccounts accounts,
    TimeProvider time
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

    /// <summary>Changes nothing. A person who needs an account is told so here, too.</summary>
    /// <exception cref="RpcException">Directory is away.</exception>
    /// <exception cref="KeycloakUnavailableException">The realm is away.</exception>
    public async Task<Acceptance> FindAccountAsync(string token, CancellationToken cancellationToken)
    {
        var offer = await FindAsync(token, cancellationToken);
        if (offer is not { State: OfferState.Pending, WorkspaceId.Length: > 0 })
        {
            return new Acceptance(offer);
        }

        using var limit = Limit(cancellationToken);
        var missing = Missing(await EnsureAccountAsync(offer.Email, ChosenAccount.None, limit.Token, cancellationToken));
        if (missing is not null)
        {
            offer.State = OfferState.AccountNeeded;
        }

        return new Acceptance(offer, missing);
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

        var answer = await EnsureAccountAsync(offer.Email, chosen, limit.Token, cancellationToken);
        if (Missing(answer) is { } missing)
        {
            return new Acceptance(offer, missing);
        }

        var isNew = answer.Outcome == AccountOutcome.Created;
        request.Account = isNew ? AccountState.Created : AccountState.Existing;
        request.Name = answer.Name;
        try
        {
            return new Acceptance(
                await AcceptAsync(request, limit.Token),
                Password: isNew ? PasswordFate.Chosen
                    : chosen.Password.Length > 0 && answer.Outcome == AccountOutcome.Exists ? PasswordFate.NotUsed
                    : PasswordFate.NotAsked
            );
        }
        catch (Exception exception) when (isNew && exception is RpcException or OperationCanceledException)
        {
            throw new HalfwayException(exception);
        }
    }

    // A realm that gives no answer in time is as good as away: directory has not been asked to accept.
    private async Task<AccountAnswer> EnsureAccountAsync(
        string email,
        ChosenAccount chosen,
        CancellationToken limit,
        CancellationToken cancellationToken
    )
    {
        try
        {
            return await accounts.EnsureAsync(email, chosen, limit);
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new KeycloakUnavailableException("Keycloak gave no answer in time.", exception);
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
            AccountOutcome.PasswordNeeded => new(answer.PasswordRules),
            AccountOutcome.PasswordRefused => new(
                answer.PasswordRules,
                new FormProblem("password", "This password is not allowed. Choose one that follows the rules below.")
            ),
            AccountOutcome.NameRefused => new(
                answer.PasswordRules,
                new FormProblem(
                    "name",
                    "This name has characters that are not allowed. Use letters, spaces, hyphens, dots and apostrophes, "
                        + "and type the password again."
                )
            ),
            _ => null,
        };

    private Patience Limit(CancellationToken cancellationToken) => new(time, cancellationToken);

    private sealed class Patience : IDisposable
    {
        private readonly CancellationTokenSource _timer;
        private readonly CancellationTokenSource _both;

        public Patience(TimeProvider time, CancellationToken cancellationToken)
        {
            _timer = new CancellationTokenSource(_patience, time);
            _both = CancellationTokenSource.CreateLinkedTokenSource(_timer.Token, cancellationToken);
        }

        public CancellationToken Token => _both.Token;

        public void Dispose()
        {
            _both.Dispose();
            _timer.Dispose();
        }
    }
}
