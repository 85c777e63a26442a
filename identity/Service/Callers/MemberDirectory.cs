using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Grpc.Core;
using Platform.Directory.Contracts.V1;
using Platform.Identity.Service.AccessTokens;
using Platform.Identity.Service.Keycloak;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.Telemetry;

namespace Platform.Identity.Service.Callers;

/// <summary>Who an account or a token belongs to.</summary>
/// <param name="EmailVerified">Whether the account's e-mail address allowed to look for new memberships.</param>
/// <param name="AsOf">Set when directory did not answer: no change is known up to this time.</param>
internal sealed record Found(IReadOnlyList<Membership> Memberships, bool EmailVerified = true, DateTimeOffset? AsOf = null)
{
    public Membership? In(string workspace) => Memberships.FirstOrDefault(membership => membership.WorkspaceId == workspace);
}

/// <summary>
/// Asks directory who somebody is. An account that directory does not know yet is bound on its first sign-in, by the e-mail address that it
/// has proved to Keycloak. While directory does not answer, callers who are at work go on as the members that they were
/// (<c>…OrRecall</c>); what governs always asks.
/// </summary>
internal sealed class MemberDirectory(
    Members.MembersClient members,
    ServiceAssertions assertions,
    KeycloakUsers users,
    KnownMemberships known,
    TimeProvider time
)
{
    /// <summary>Looks for new memberships, whatever there are already.</summary>
    public const string AnyNew = "any new";

    // An account that finds no member asks Keycloak no more than this often.
    private static readonly TimeSpan _bindAgainAfter = TimeSpan.FromSeconds(5);
    private const int MaxUnbound = 10_000;

    // The edge waits for two seconds.
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(1);

    // While directory is away it is asked this often on behalf of callers who can be recalled. With the half second that the edge keeps a
    // decision, its answers are in force again within a second.
    private static readonly TimeSpan _askAgainAfter = TimeSpan.FromMilliseconds(400);

    private static readonly Counter<long> _recalled = PlatformMeter.Instance.CreateCounter<long>(
        "platform.identity.members.recalled",
        "{caller}",
        "Callers who went on as the members that they were last known as, because directory gave no answer."
    );

    private readonly ConcurrentDictionary<(string Subject, string Workspace), (DateTimeOffset Until, bool EmailVerified)> _unbound = new();
    private long _away;

    /// <summary>The memberships of an account.</summary>
    /// <param name="workspace">The one that is wanted; empty when any will do. Somebody can have been invited to a second workspace since
    /// the first sign-in.</param>
    /// <exception cref="RpcException">UNAVAILABLE: directory gives no answer.</exception>
    public async Task<Found> FindAsync(AccessToken token, string workspace, CancellationToken cancellationToken)
    {
        var response = await AskAsync(OfSubject(token), cancellationToken);
        if (response.Memberships.Any(membership => workspace.Length == 0 || membership.WorkspaceId == workspace))
        {
            return new Found(response.Memberships);
        }

        var now = time.GetUtcNow();
        if (_unbound.TryGetValue((token.Subject, workspace), out var unbound) && unbound.Until > now)
        {
            return new Found(response.Memberships, unbound.EmailVerified);
        }

        var user = await users.FindAsync(token.Subject, cancellationToken);
        var verified = user is { Enabled: true, EmailVerified: true, Email.Length: > 0 };
        if (verified)
        {
            response = await members.BindSubjectAsync(
                new BindSubjectRequest { Subject = token.Subject, VerifiedEmail = user!.Email },
                await HeadersAsync(cancellationToken),
                cancellationToken: cancellationToken
            );
        }

        if (_unbound.Count >= MaxUnbound)
        {
            _unbound.Clear();
        }

        _unbound[(token.Subject, workspace)] = (now + _bindAgainAfter, verified);
        return new Found(response.Memberships, verified);
    }

    /// <summary>The same. While directory gives no answer, what is known of the account, which may be less than it has.</summary>
    /// <exception cref="RpcException">UNAVAILABLE: directory gives no answer, and nothing is known for sure.</exception>
    public Task<Found> FindOrRecallAsync(AccessToken token, string workspace, CancellationToken cancellationToken) =>
        OrRecallAsync(OfSubject(token), workspace, () => FindAsync(token, workspace, cancellationToken));

    /// <exception cref="RpcException">UNAVAILABLE: directory gives no answer.</exception>
    public async Task<Membership?> FindAsync(string workspaceId, string memberId, CancellationToken cancellationToken) =>
        (await AskAsync(OfMember(workspaceId, memberId), cancellationToken)).Memberships.FirstOrDefault(membership =>
            membership.WorkspaceId == workspaceId && membership.MemberId == memberId
        );

    /// <summary>The same, or while directory gives no answer what is known of the member.</summary>
    /// <exception cref="RpcException">UNAVAILABLE: directory gives no answer, and nothing is known for sure.</exception>
    public Task<Found> FindOrRecallAsync(string workspaceId, string memberId, CancellationToken cancellationToken) =>
        OrRecallAsync(OfMember(workspaceId, memberId), workspaceId, async () =>
            new Found(await FindAsync(workspaceId, memberId, cancellationToken) is { } found ? [found] : [])
        );

    public async Task<IReadOnlyList<Membership>> FindByEmailAsync(string email, CancellationToken cancellationToken) =>
        (await AskAsync(new ResolveMemberRequest { Email = email }, cancellationToken)).Memberships;

    private async Task<Found> OrRecallAsync(ResolveMemberRequest question, string workspace, Func<Task<Found>> ask)
    {
        var away = Volatile.Read(ref _away);
        if (away != 0 && time.GetElapsedTime(away) < _askAgainAfter && Recall(question, workspace) is { } still)
        {
            return still;
        }

        try
        {
            var found = await ask();
            Volatile.Write(ref _away, 0);
            return found;
        }
        catch (RpcException exception) when (exception.StatusCode == StatusCode.Unavailable)
        {
            Volatile.Write(ref _away, time.GetTimestamp());
            if (Recall(question, workspace) is { } recalled)
            {
                return recalled;
            }

            throw;
        }
    }

    // Somebody who is not known in the workspace may have joined it since.
    private Found? Recall(ResolveMemberRequest question, string workspace)
    {
        if (
            known.Recall(question) is not { } recalled
            || workspace.Length > 0 && recalled.Memberships.All(membership => membership.WorkspaceId != workspace)
        )
        {
            return null;
        }

        _recalled.Add(1);
        return new Found(recalled.Memberships, AsOf: recalled.AsOf);
    }

    private async Task<ResolveMemberResponse> AskAsync(ResolveMemberRequest question, CancellationToken cancellationToken)
    {
        var asked = known.Ask();
        var response = await members.ResolveMemberAsync(
            question,
            await HeadersAsync(cancellationToken),
            DateTime.UtcNow + _patience,
            cancellationToken
        );
        known.Keep(question, response, asked);
        return response;
    }

    private static ResolveMemberRequest OfSubject(AccessToken token) => new() { Subject = token.Subject };

    private static ResolveMemberRequest OfMember(string workspaceId, string memberId) =>
        new() { MemberId = memberId, WorkspaceId = workspaceId };

    private ValueTask<Metadata> HeadersAsync(CancellationToken cancellationToken) =>
        assertions.HeadersAsync("directory", cancellationToken);
}
