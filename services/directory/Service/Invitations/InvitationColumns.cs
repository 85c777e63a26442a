using System.Data;
using Google.Protobuf.WellKnownTypes;
using Npgsql;
using Platform.Contracts;
using Platform.Directory.Contracts.V1;

namespace Platform.Directory.Service.Invitations;

/// <summary>An invitation as its queries select it.</summary>
internal static class InvitationColumns
{
    /// <summary>Of <c>directory.invitation i</c>; $1 is the present.</summary>
    public const string State = """
        case when i.accepted_at is not null then 'accepted' when i.revoked_at is not null then 'revoked'
            when i.expires_at <= $1 then 'expired' else 'pending' end
        """;

    /// <summary>Of <c>directory.invitation i</c>; $1 is the present.</summary>
    public const string All = $"""
        i.id, i.organization_id, i.email, i.role, {State} as state, i.created_at, i.expires_at, i.accepted_at, i.revoked_at, i.invited_by,
            (select m.state from directory.mail m where m.id = i.id) as mail,
            (select m.sent_at from directory.mail m where m.id = i.id) as mailed_at,
            (select m.problem from directory.mail m where m.id = i.id) as mail_problem
        """;

    public static Invitation Read(NpgsqlDataReader row) =>
        new()
        {
            Id = Ids.Format("inv", row.GetGuid("id")),
            OrganizationId = Ids.Format("org", row.GetGuid("organization_id")),
            Email = row.GetString("email"),
            Role = row.GetString("role"),
            State = row.GetString("state"),
            CreatedAt = Timestamp.FromDateTime(row.GetDateTime("created_at")),
            ExpiresAt = Timestamp.FromDateTime(row.GetDateTime("expires_at")),
            AcceptedAt = row.IsDBNull("accepted_at") ? null : Timestamp.FromDateTime(row.GetDateTime("accepted_at")),
            RevokedAt = row.IsDBNull("revoked_at") ? null : Timestamp.FromDateTime(row.GetDateTime("revoked_at")),
            InvitedBy = row.IsDBNull("invited_by") ? "" : Ids.Format("mbr", row.GetGuid("invited_by")),
            Mail = row.IsDBNull("mail") ? "" : row.GetString("mail"),
            MailedAt = row.IsDBNull("mailed_at") ? null : Timestamp.FromDateTime(row.GetDateTime("mailed_at")),
            MailProblem = row.IsDBNull("mail_problem") ? "" : row.GetString("mail_problem"),
        };
}
