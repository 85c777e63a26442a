using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Npgsql;
using Platform.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Directory.Service;

/// <summary>An invitation to the workspace as its queries select it.</summary>
internal static class MemberInvitationColumns
{
    /// <summary>Of <c>directory.member_invitation i</c>; $1 is the present, $2 the caller, whose environments alone are shown.</summary>
    public const string All = $"""
        i.id, i.email, {InvitationColumns.State}, i.created_at, i.expires_at, i.invited_by,
            array(select asked.environment from unnest(i.environments, i.roles) as asked(environment, role)
                join directory.member_role mine on mine.environment_id = asked.environment and mine.member_id = $2 order by 1),
            array(select asked.role from unnest(i.environments, i.roles) as asked(environment, role)
                join directory.member_role mine on mine.environment_id = asked.environment and mine.member_id = $2 order by asked.environment),
            (select m.state from directory.mail m where m.id = i.id), (select m.problem from directory.mail m where m.id = i.id)
        """;

    private const string Lock = $"select {All} from directory.member_invitation i where i.id = $3 for update";

    /// <summary>The invitation, locked until the commit, which is pending.</summary>
    public static async Task<MemberInvitation> LockPendingAsync(WriteTransaction tx, Guid id)
    {
        var invitation = await tx.QueryOneAsync(Lock, Read, tx.Now, tx.Call.Caller.MemberId ?? Guid.Empty, id)
            ?? throw Problem.NotFound("member invitation", Ids.Format("minv", id));
        return invitation.State == "pending" ? invitation : throw NotPending(invitation.State);
    }

    public static MemberInvitation Read(NpgsqlDataReader row)
    {
        var invitation = new MemberInvitation
        {
            Id = Ids.Format("minv", row.GetGuid(0)),
            Email = row.GetString(1),
            State = row.GetString(2),
            CreatedAt = Timestamp.FromDateTime(row.GetDateTime(3)),
            ExpiresAt = Timestamp.FromDateTime(row.GetDateTime(4)),
            InvitedBy = Ids.Format("mbr", row.GetGuid(5)),
            Mail = row.IsDBNull(8) ? "" : row.GetString(8),
            MailProblem = row.IsDBNull(9) ? "" : row.GetString(9),
        };
        invitation.Roles.AddRange(
            row.GetFieldValue<Guid[]>(6)
                .Zip(row.GetFieldValue<string[]>(7), (environment, role) =>
                    new MemberRole { EnvironmentId = Ids.Format("env", environment), Role = role }
                )
        );
        return invitation;
    }

    private static RpcException NotPending(string state) =>
        state switch
        {
            "accepted" => Problem.Conflict("INVITATION_ACCEPTED", "The invitation was accepted already.", "The person is a member now."),
            "expired" => Problem.Conflict("INVITATION_EXPIRED", "The invitation has expired.", "Invite the person again."),
            _ => Problem.Conflict("INVITATION_REVOKED", "The invitation was revoked already.", "Invite the person again."),
        };
}
