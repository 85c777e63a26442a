using System.Data;
using Npgsql;
using Platform.Contracts;
using Platform.Directory.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.Directory.Service.Invitations;
using Platform.Directory.Service.Users;
using Platform.ServiceDefaults.State;

namespace Platform.Directory.Service.Joining;

/// <summary>Makes a user of the organization of whoever accepts an invitation to it.</summary>
internal static class UserAcceptance
{
    /// <summary>$1 is the present, $2 the invitation.</summary>
    public const string FindOffer = $"""
        select {InvitationColumns.State} as state, o.name, coalesce(m.display_name, '') as inviter, i.email, i.role, i.expires_at,
            i.organization_id
        from directory.invitation i join directory.organization o on o.id = i.organization_id
            left join directory.member m on m.id = i.invited_by
        where i.id = $2
        """;

    // The organization first, as everywhere: its deletion counts what acceptances change.
    private const string LockOrganization = """
        select 1 from directory.organization where id = (select organization_id from directory.invitation where id = $1) for key share
        """;

    private const string LockInvitation = "select 1 from directory.invitation where id = $1 for update";

    private const string AddUser = """
        insert into directory.directory_user (id, email, created_at, updated_at) values ($1, $2, $3, $3)
        on conflict (workspace_id, environment_id, email) do nothing
        """;

    private const string FindUser = "select id, state from directory.directory_user where email = $1 for share";

    private const string Accept = "update directory.invitation set accepted_at = $2, is_open = false where id = $1";

    public static Offer Read(NpgsqlDataReader row) => OfferColumns.Read(row);

    public static async Task<Offer?> AcceptAsync(WriteTransaction tx, Guid id)
    {
        await tx.ExecuteAsync(LockOrganization, id);
        await tx.ExecuteAsync(LockInvitation, id);
        var found = await tx.QueryOneAsync(
            FindOffer,
            row => new { Offer = Read(row), Organization = row.GetGuid("organization_id") },
            tx.Now,
            id
        );
        if (found is not { Offer.State: OfferState.Pending })
        {
            return found?.Offer;
        }

        var newcomer = Ids.New();
        var isNew = await tx.ExecuteAsync(AddUser, newcomer, found.Offer.Email, tx.Now) == 1;
        var user = await tx.QueryOneAsync(
            FindUser,
            row => new { Id = row.GetGuid("id"), State = row.GetString("state") },
            found.Offer.Email
        );
        if (user!.State != UserRow.Active)
        {
            return found.Offer.InState(OfferState.Deactivated);
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
        return found.Offer.InState(OfferState.Joined);
    }
}
