using Platform.Contracts;
using Platform.Directory.Contracts;
using Platform.ServiceDefaults.State;

namespace Platform.Directory.Service.Users;

/// <summary>
/// The invitation that a membership makes pointless, because the person is in the organization without it. Left open, its link would still
/// offer another role.
/// </summary>
internal static class OpenInvitation
{
    private const string Revoke = """
        update directory.invitation set revoked_at = $3, is_open = false
        where is_open and expires_at > $3 and organization_id = $1 and email = (select email from directory.directory_user where id = $2)
        returning id
        """;

    /// <summary>Revokes it, where there is one. The caller keeps invitations of the organization from being written meanwhile.</summary>
    public static async Task RevokeAsync(WriteTransaction tx, Guid organization, Guid user)
    {
        var id = await tx.ScalarAsync<Guid>(Revoke, organization, user, tx.Now);
        if (id == Guid.Empty)
        {
            return;
        }

        var (inv, org) = (Ids.Format("inv", id), Ids.Format("org", organization));
        tx.Announce(
            new InvitationRevoked(tx.NewEventId(), tx.Call.WorkspaceId, tx.Now, inv, org),
            "invitation.revoked",
            new Target("invitation", inv),
            new Target("organization", org)
        );
    }
}
