using Google.Protobuf.WellKnownTypes;
using Npgsql;
using Platform.Contracts;
using Platform.Directory.Contracts.V1;

namespace Platform.Directory.Service;

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
        i.id, i.organization_id, i.email, i.role, {State}, i.created_at, i.expires_at, i.accepted_at, i.revoked_at, i.invited_by,
            (select m.state from directory.mail m where m.id = i.id), (select m.sent_at from directory.mail m where m.id = i.id),
            (select m.problem from directory.mail m where m.id = i.id)
        """;

    public static Invitation Read(NpgsqlDataReader row) =>
        new()
        {
            Id = Ids.Format("inv", row.GetGuid(0)),
            OrganizationId = Ids.Format("org", row.GetGuid(1)),
            Email = row.GetString(2),
            Role = row.GetString(3),
            State = row.GetString(4),
            CreatedAt = Timestamp.FromDateTime(row.GetDateTime(5)),
            ExpiresAt = Timestamp.FromDateTime(row.GetDateTime(6)),
            AcceptedAt = row.IsDBNull(7) ? null : Timestamp.FromDateTime(row.GetDateTime(7)),
            RevokedAt = row.IsDBNull(8) ? null : Timestamp.FromDateTime(row.GetDateTime(8)),
            InvitedBy = row.IsDBNull(9) ? "" : Ids.Format("mbr", row.GetGuid(9)),
            Mail = row.IsDBNull(10) ? "" : row.GetString(10),
            MailedAt = row.IsDBNull(11) ? null : Timestamp.FromDateTime(row.GetDateTime(11)),
            MailProblem = row.IsDBNull(12) ? "" : row.GetString(12),
        };
}
