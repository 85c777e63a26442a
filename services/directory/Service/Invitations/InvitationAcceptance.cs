using System.Security.Cryptography;
using System.Text;
using Google.Protobuf.WellKnownTypes;
using Npgsql;
using Platform.Contracts;
using Platform.Directory.Contracts;
using Platform.ServiceDefaults.State;

namespace Platform.Directory.Service;

/// <summary>What somebody with a link is shown.</summary>
/// <param name="State">
/// <c>pending</c>, <c>accepted</c>, <c>revoked</c>, <c>expired</c>; after an attempt to accept also <c>joined</c>, <c>deactivated</c>, or
/// <c>account</c> when nothing was changed because they need an account first.
/// </param>
/// <param name="Workspace"><c>wks_…</c> when they are asked to become a member of it.</param>
internal sealed record Offer(
    string State,
    string Name,
    string Inviter,
    string Email,
    string Role,
    DateTimeOffset ExpiresAt,
    string Workspace = ""
)
{
    /// <summary>For the state <c>account</c>.</summary>
    public MissingAccount? Missing { get; init; }

    /// <summary>For the state <c>joined</c>: with the password that was chosen just now.</summary>
    public bool HasNewAccount { get; init; }
}

/// <summary>
/// Lets the person who got an invitation's mail accept it. Whoever has the link has read the mailbox, which is all that is asked of them.
/// </summary>
internal sealed class InvitationAcceptance(UnitOfWork work, JoinAccounts accounts, TimeProvider time)
{
    private const int TokenLength = 43;

    private const string FindLink =
        "select workspace_id, environment_id, invitation_id from directory.invitation_token where token_hash = $1";

    // The organization first, as everywhere: its deletion counts what acceptances change.
    private const string LockOrganization = """
        select 1 from directory.organization where id = (select organization_id from directory.invitation where id = $1) for key share
        """;

    private const string LockInvitation = "select 1 from directory.invitation where id = $1 for update";

    private const string FindOffer = $"""
        select {InvitationColumns.State}, o.name, coalesce(m.display_name, ''), i.email, i.role, i.expires_at, i.organization_id
        from directory.invitation i join directory.organization o on o.id = i.organization_id left join directory.member m on m.id = i.invited_by
        where i.id = $2
        """;

    private const string AddUser = """
        insert into directory.directory_user (id, email, created_at, updated_at) values ($1, $2, $3, $3)
        on conflict (workspace_id, environment_id, email) do nothing
        """;

    private const string FindUser = "select id, state from directory.directory_user where email = $1 for share";

    private const string Accept = "update directory.invitation set accepted_at = $2, is_open = false where id = $1";

    private static readonly SessionSettings _resolver = new(Role: "directory_resolver");

    /// <summary>Null for a link that leads nowhere.</summary>
    public async Task<Offer?> FindAsync(string token, CancellationToken cancellationToken) =>
        await FindLinkAsync(token, cancellationToken) is { } link
            ? await work.ReadAsync(
                OwnCall.In(link.Workspace, link.Environment),
                SessionSettings.Default,
                async reader =>
                    !await reader.ReadAsync(cancellationToken) ? null
                    : link.Environment is null ? MemberAcceptance.Read(reader)
                    : Read(reader),
                cancellationToken,
                new Statement(link.Environment is null ? MemberAcceptance.FindOffer : FindOffer, time.GetUtcNow(), link.Invitation)
            )
            : null;

    /// <summary>Null for a link that leads nowhere. The state <c>joined</c> comes once.</summary>
    /// <param name="chosen">What a person without an account is to sign in with.</param>
    public async Task<Offer?> AcceptAsync(string token, ChosenAccount chosen, CancellationToken cancellationToken)
    {
        if (await FindLinkAsync(token, cancellationToken) is not { } link)
        {
            return null;
        }

        Offer? answer = null;
        await work.WriteAsync(
            OwnCall.In(link.Workspace, link.Environment),
            async tx =>
            {
                answer = await (
                    link.Environment is null
                        ? MemberAcceptance.AcceptAsync(
                            tx,
                            link.Invitation,
                            email => accounts.EnsureAsync(email, chosen, cancellationToken),
                            chosen.Name
                        )
                        : AcceptAsync(tx, link.Invitation)
                );
                return new Empty();
            },
            SessionSettings.Default,
            cancellationToken
        );
        return answer;
    }

    private static async Task<Offer?> AcceptAsync(WriteTransaction tx, Guid id)
    {
        await tx.ExecuteAsync(LockOrganization, id);
        await tx.ExecuteAsync(LockInvitation, id);
        var found = await tx.QueryOneAsync(FindOffer, row => new { Offer = Read(row), Organization = row.GetGuid(6) }, tx.Now, id);
        if (found is not { Offer.State: "pending" })
        {
            return found?.Offer;
        }

        var newcomer = Ids.New();
        var isNew = await tx.ExecuteAsync(AddUser, newcomer, found.Offer.Email, tx.Now) == 1;
        var user = await tx.QueryOneAsync(FindUser, row => new { Id = row.GetGuid(0), State = row.GetString(1) }, found.Offer.Email);
        if (user!.State != UserRow.Active)
        {
            return found.Offer with { State = "deactivated" };
        }

        await tx.ExecuteAsync(Accept, id, tx.Now);
        var (inv, org, usr) = (Ids.Format("inv", id), Ids.Format("org", found.Organization), Ids.Format("usr", user.Id));
        if (isNew)
        {
            tx.Announce(new UserCreated(tx.NewEventId(), tx.Call.WorkspaceId, tx.Now, usr, null), "user.created", new Target("user", usr));
        }

        await UsersService.JoinAsync(tx, found.Organization, user.Id, found.Offer.Role);
        tx.Announce(
            new InvitationAccepted(tx.NewEventId(), tx.Call.WorkspaceId, tx.Now, inv, org, usr),
            "invitation.accepted",
            new Target("invitation", inv),
            new Target("organization", org),
            new Target("user", usr)
        );
        return found.Offer with { State = "joined" };
    }

    private async Task<Link?> FindLinkAsync(string token, CancellationToken cancellationToken) =>
        token.Length != TokenLength
            ? null
            : await work.ReadAsync(
                OwnCall.In(Guid.Empty, null),
                _resolver,
                async reader =>
                    await reader.ReadAsync(cancellationToken)
                        ? new Link(reader.GetGuid(0), reader.IsDBNull(1) ? null : reader.GetGuid(1), reader.GetGuid(2))
                        : null,
                cancellationToken,
                new Statement(FindLink, SHA256.HashData(Encoding.UTF8.GetBytes(token)))
            );

    private static Offer Read(NpgsqlDataReader row) =>
        new(
            row.GetString(0),
            row.GetString(1),
            row.GetString(2),
            row.GetString(3),
            row.GetString(4),
            new DateTimeOffset(row.GetDateTime(5))
        );

    private sealed record Link(Guid Workspace, Guid? Environment, Guid Invitation);
}
