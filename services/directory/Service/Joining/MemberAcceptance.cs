using System.Data;
using Npgsql;
using Platform.Contracts;
using Platform.Directory.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.Directory.Service.Invitations;
using Platform.Directory.Service.MemberInvitations;
using Platform.ServiceDefaults.State;

namespace Platform.Directory.Service.Joining;

/// <summary>
/// Makes a member of whoever accepts an invitation to the workspace. The member has an address and is tied to no account yet: the first
/// sign-in with that address, verified by the identity provider, is tied to it (<c>MembersService.BindSubject</c>).
/// </summary>
internal static class MemberAcceptance
{
    /// <summary>$1 is the present, $2 the invitation.</summary>
    public const string FindOffer = $"""
        select {InvitationColumns.State} as state, w.name, coalesce(m.display_name, '') as inviter, i.email,
            (select string_agg(distinct role, ', ') from unnest(i.roles) as role) as role, i.expires_at, i.workspace_id,
            i.invited_by, i.environments, i.roles
        from directory.member_invitation i join directory.workspace w on w.workspace_id = i.workspace_id
            left join directory.member m on m.id = i.invited_by
        where i.id = $2
        """;

    private const string LockInvitation = "select 1 from directory.member_invitation where id = $1 for update";

    private const string AddMember = """
        insert into directory.member (id, email, display_name, created_at) values ($1, $2, $3, $4)
        on conflict (workspace_id, email) do nothing
        """;

    private const string FindMember = "select id from directory.member where email = $1";

    private const string AddRoles = """
        insert into directory.member_role (member_id, environment_id, role)
        select $1, environment, role from unnest($2::uuid[], $3::text[]) as given(environment, role) on conflict do nothing
        """;

    private const string Accept = "update directory.member_invitation set accepted_at = $2, is_open = false where id = $1";

    public static Offer Read(NpgsqlDataReader row)
    {
        var offer = OfferColumns.Read(row);
        offer.WorkspaceId = Ids.Format("wks", row.GetGuid("workspace_id"));
        return offer;
    }

    /// <param name="account">Whether the person can sign in, as far as identity has checked.</param>
    /// <param name="name">What their account calls the person; may be empty.</param>
    public static async Task<Offer?> AcceptAsync(WriteTransaction tx, Guid id, AccountState account, string name)
    {
        await tx.ExecuteAsync(LockInvitation, id);
        var found = await tx.QueryOneAsync(
            FindOffer,
            row => new
            {
                Offer = Read(row),
                Inviter = row.GetGuid("invited_by"),
                Environments = row.GetFieldValue<Guid[]>("environments"),
                Roles = row.GetFieldValue<string[]>("roles"),
            },
            tx.Now,
            id
        );
        if (found is not { Offer.State: OfferState.Pending })
        {
            return found?.Offer;
        }

        // An invitation gives only what its inviter may still give.
        var grants = await MemberGrants.OfAsync(tx, found.Inviter);
        if (!found.Environments.Zip(found.Roles).All(given => grants.Allows(given.First, given.Second)))
        {
            return found.Offer.InState(OfferState.Revoked);
        }

        // Nothing is written yet: identity creates the account outside of this transaction, then asks again. An invitation that ended
        // before this point creates no account; one that ends in between leaves an account without a membership.
        if (account == AccountState.Unspecified)
        {
            return found.Offer.InState(OfferState.AccountNeeded);
        }

        var email = found.Offer.Email;
        var shown = ShownName.Clean(name);
        var displayName = shown.Length > 0 ? shown : email[..email.IndexOf('@', StringComparison.Ordinal)];
        var isNew = await tx.ExecuteAsync(AddMember, Ids.New(), email, displayName, tx.Now) == 1;
        var member = await tx.ScalarAsync<Guid>(FindMember, email);
        await tx.ExecuteAsync(AddRoles, member, found.Environments, found.Roles);
        await tx.ExecuteAsync(Accept, id, tx.Now);
        var (minv, mbr) = (Ids.Format("minv", id), Ids.Format("mbr", member));
        if (isNew)
        {
            tx.Announce(
                new MemberAdded(
                    tx.NewEventId(),
                    tx.Call.WorkspaceId,
                    tx.Now,
                    mbr,
                    found.Environments.Zip(found.Roles).ToDictionary(given => Ids.Format("env", given.First), given => given.Second)
                ),
                "member.added",
                new Target("member", mbr)
            );
        }

        tx.Announce(
            new MemberInvitationAccepted(tx.NewEventId(), tx.Call.WorkspaceId, tx.Now, minv, mbr, account == AccountState.Created),
            "member_invitation.accepted",
            new Target("member_invitation", minv),
            new Target("member", mbr)
        );
        return found.Offer.InState(OfferState.Joined);
    }
}
