using System.Data;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Npgsql;
using Platform.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.Directory.Service.Invitations;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Directory.Service.MemberInvitations;

/// <summary>An invitation to the workspace as its queries select it.</summary>
internal static class MemberInvitationColumns
{
    /// <summary>Of <c>directory.member_invitation i</c>; $1 is the present, $2 the caller, whose environments alone are shown.</summary>
    public const string All = $"""
        i.id, i.email, {InvitationColumns.State} as state, i.created_at, i.expires_at, i.invited_by,
            array(select asked.environment from unnest(i.environments, i.roles) as asked(environment, role)
                join directory.member_role mine on mine.environment_id = asked.environment and mine.member_id = $2
                order by 1) as environments,
            array(select asked.role from unnest(i.environments, i.roles) as asked(environment, role)
                join directory.member_role mine on mine.environment_id = asked.environment and mine.member_id = $2
                order by asked.environment) as roles,
            (select m.state from directory.mail m where m.id = i.id) as mail,
            (select m.problem from directory.mail m where m.id = i.id) as mail_problem
        """;

    private const string Lock = $"select {All}, i.environments as touched from directory.member_invitation i where i.id = $3 for update";

    /// <summary>
    /// The invitation, locked until the commit, which is pending. The caller manages people wherever it gives a role, shown or not.
    /// </summary>
    public static async Task<MemberInvitation> LockPendingAsync(WriteTransaction tx, Guid id)
    {
        var found = await tx.QueryOneAsync(
            Lock,
            row => new { Invitation = Read(row), Touched = row.GetFieldValue<Guid[]>("touched") },
            tx.Now,
            tx.Call.Caller.MemberId ?? Guid.Empty,
            id
        ) ?? throw Problem.NotFound("member invitation", Ids.Format("minv", id));
        tx.Call.Caller.Reach.Require(Scopes.WorkspaceWrite, found.Touched);
        var invitation = found.Invitation;
        return invitation.State == "pending" ? invitation : throw NotPending(invitation.State);
    }

    public static MemberInvitation Read(NpgsqlDataReader row)
    {
        var invitation = new MemberInvitation
        {
            Id = Ids.Format("minv", row.GetGuid("id")),
            Email = row.GetString("email"),
            State = row.GetString("state"),
            CreatedAt = Timestamp.FromDateTime(row.GetDateTime("created_at")),
            ExpiresAt = Timestamp.FromDateTime(row.GetDateTime("expires_at")),
            InvitedBy = Ids.Format("mbr", row.GetGuid("invited_by")),
            Mail = row.IsDBNull("mail") ? "" : row.GetString("mail"),
            MailProblem = row.IsDBNull("mail_problem") ? "" : row.GetString("mail_problem"),
        };
        invitation.Roles.AddRange(
            row.GetFieldValue<Guid[]>("environments")
                .Zip(row.GetFieldValue<string[]>("roles"), (environment, role) =>
                    new MemberRole { EnvironmentId = Ids.Format("env", environment), Role = role }
                )
        );
        return invitation;
    }

    private static RpcException NotPending(string state) =>
        state switch
        {
            "accepted" => Problem.Conflict(
                Reasons.InvitationAccepted,
                "The invitation was accepted already.",
                "The person is a member now."
            ),
            "expired" => Problem.Conflict(Reasons.InvitationExpired, "The invitation has expired.", "Invite the person again."),
            _ => Problem.Conflict(Reasons.InvitationRevoked, "The invitation was revoked already.", "Invite the person again."),
        };
}
