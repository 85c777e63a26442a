using System.Collections.Concurrent;
using Grpc.Core;
using Platform.Directory.Contracts.V1;
using Platform.Identity.Service.AccessTokens;
using Platform.Identity.Service.Keycloak;
using Platform.ServiceDefaults.Calls;

namespace Platform.Identity.Service.Callers;

/// <summary>
/// Asks directory who somebody is. An account that directory does not know yet is bound on its first sign-in, by the e-mail address that it
/// has proved to Keycloak.
/// </summary>
internal sealed class MemberDirectory(Members.MembersClient members, ServiceAssertions assertions, KeycloakUsers users, TimeProvider time)
{
    /// <summary>Looks for new memberships, whatever there are already.</summary>
    public const string AnyNew = "any new";

    // An account that finds no member asks Keycloak no more than this often.
    private static readonly TimeSpan _bindAgainAfter = TimeSpan.FromSeconds(5);
    private const int MaxUnbound = 10_000;

    private readonly ConcurrentDictionary<(string Subject, string Workspace), (DateTimeOffset Until, bool EmailVerified)> _unbound = new();

    /// <summary>The memberships of an account, and whether its e-mail address allowed to look for them.</summary>
    /// <param name="workspace">The one that is wanted; empty when any will do. Somebody can have been invited to a second workspace since
    /// the first sign-in.</param>
    public async Task<(IReadOnlyList<Membership> Memberships, bool EmailVerified)> FindAsync(
        AccessToken token,
        string workspace,
        CancellationToken cancellationToken
    )
    {
        var response = await members.ResolveMemberAsync(
            new ResolveMemberRequest { Subject = token.Subject },
            await HeadersAsync(cancellationToken),
            cancellationToken: cancellationToken
        );
        if (response.Memberships.Any(membership => workspace.Length == 0 || membership.WorkspaceId == workspace))
        {
            return (response.Memberships, true);
        }

        var now = time.GetUtcNow();
        if (_unbound.TryGetValue((token.Subject, workspace), out var unbound) && unbound.Until > now)
        {
            return (response.Memberships, unbound.EmailVerified);
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
        return (response.Memberships, verified);
    }

    public async Task<Membership?> FindAsync(string workspaceId, string memberId, CancellationToken cancellationToken)
    {
        var response = await members.ResolveMemberAsync(
            new ResolveMemberRequest { MemberId = memberId, WorkspaceId = workspaceId },
            await HeadersAsync(cancellationToken),
            cancellationToken: cancellationToken
        );
        return response.Memberships.FirstOrDefault(membership => membership.WorkspaceId == workspaceId && membership.MemberId == memberId);
    }

    public async Task<IReadOnlyList<Membership>> FindByEmailAsync(string email, CancellationToken cancellationToken) =>
        (
            await members.ResolveMemberAsync(
                new ResolveMemberRequest { Email = email },
                await HeadersAsync(cancellationToken),
                cancellationToken: cancellationToken
            )
        ).Memberships;

    private ValueTask<Metadata> HeadersAsync(CancellationToken cancellationToken) =>
        assertions.HeadersAsync("directory", cancellationToken);
}
