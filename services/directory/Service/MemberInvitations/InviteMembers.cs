using System.Data;
using Grpc.Core;
using Npgsql;
using Platform.Contracts;
using Platform.Directory.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.Directory.Service.Invitations;
using Platform.Directory.Service.Mail;
using Platform.Directory.Service.Values;
using Platform.ServiceDefaults.Calls;

namespace Platform.Directory.Service.MemberInvitations;

internal sealed partial class MemberInvitationsService
{
    private const int DefaultDays = 7;

    // Invitations of one workspace are written one call after the other.
    private const string LockInvitations =
        "select pg_advisory_xact_lock(hashtextextended('directory.member_invitation ' || current_setting('platform.workspace_id'), 0))";

    private const string CloseExpired =
        "update directory.member_invitation set is_open = false where is_open and expires_at <= $2 and email = any($1)";

    private const string FindOpen =
        "select email, id, environments, roles from directory.member_invitation where is_open and email = any($1)";

    private const string FindMembers = """
        select m.email,
            array(select r.environment_id from directory.member_role r where r.member_id = m.id order by r.environment_id) as environments,
            array(select r.role from directory.member_role r where r.member_id = m.id order by r.environment_id) as roles
        from directory.member m where m.email = any($1)
        """;

    private const string InsertInvitation = """
        insert into directory.member_invitation (id, email, environments, roles, invited_by, created_at, expires_at)
        values ($1, $2, $3, $4, $5, $6, $7)
        """;

    public override Task<InviteMembersResponse> InviteMembers(InviteMembersRequest request, ServerCallContext context) =>
        work.WriteAsync(context, async tx =>
        {
            var inviter = tx.Call.Caller.MemberId ?? throw Problem.PermissionDenied(Scopes.WorkspaceWrite);
            var results = request
                .Invitations.Select(row =>
                    EmailAddress.TryNormalize(row.Email, out var email, out var rule)
                        ? new InvitationResult { Email = email }
                        : Refused(row.Email.Length > 254 ? row.Email[..254] + "…" : row.Email, $"email: {rule}. {EmailAddress.Fix}")
                )
                .ToList();
            var emails = results.Select(result => result.Email).Distinct().ToArray();
            await tx.ExecuteAsync(LockInvitations);
            var grants = await MemberGrants.OfAsync(tx, inviter);
            RequireReach(request, grants, tx.Call.Caller.Reach);
            await tx.ExecuteAsync(CloseExpired, emails, tx.Now);
            var open = (
                await tx.QueryAsync(
                    FindOpen,
                    row => (Email: row.GetString("email"), Invitation: (Id: row.GetGuid("id"), Roles: RolesIn(row))),
                    [emails]
                )
            ).ToDictionary(row => row.Email, row => row.Invitation);
            var members = (
                await tx.QueryAsync(FindMembers, row => (Email: row.GetString("email"), Roles: RolesIn(row)), [emails])
            ).ToDictionary(row => row.Email, row => row.Roles);
            var created = new List<Guid>();
            var managers = new List<GivenRoles>();
            var expires = tx.Now + TimeSpan.FromDays(request.HasExpiresInDays ? request.ExpiresInDays : DefaultDays);
            foreach (var (row, result) in request.Invitations.Zip(results).Where(pair => pair.Second.Outcome != InvitationOutcome.Invalid))
            {
                if (Read(row, request.Role, grants, out var roles) is { } problem)
                {
                    result.MergeFrom(Refused(result.Email, problem));
                }
                else if (members.TryGetValue(result.Email, out var held))
                {
                    result.Outcome = InvitationOutcome.AlreadyMember;
                    result.Note = Note(roles, held, grants, "The member keeps", "An invitation does not change the roles of a member.");
                }
                else if (open.TryGetValue(result.Email, out var invited))
                {
                    (result.Outcome, result.InvitationId) = (InvitationOutcome.AlreadyInvited, Ids.Format("minv", invited.Id));
                    result.Note = Note(
                        roles,
                        invited.Roles,
                        grants,
                        "The pending invitation stands as it is, with",
                        "To change that, revoke it with revoke_member_invitation, and invite again."
                    );
                }
                else
                {
                    var id = Ids.New();
                    open.Add(result.Email, (id, roles));
                    created.Add(id);
                    if (roles.Values.Any(MemberGrants.ManagesPeople))
                    {
                        managers.Add(new GivenRoles(result.Email, roles));
                    }

                    (result.Outcome, result.InvitationId) = (InvitationOutcome.Created, Ids.Format("minv", id));
                    await tx.ExecuteAsync(
                        InsertInvitation,
                        id,
                        result.Email,
                        roles.Keys.ToArray(),
                        roles.Values.ToArray(),
                        inviter,
                        tx.Now,
                        expires
                    );
                }
            }

            if (managers.Count > 0)
            {
                await tx.ConfirmAsync(
                    string.Join('\n', managers.Select(given => given.Fingerprint)),
                    new { roles = managers.Select(given => given.Preview), otherInvitations = created.Count - managers.Count }
                );
            }

            if (created.Count > 0)
            {
                await MailQueue.AskAsync(tx, [.. created]);
                var ids = created.ConvertAll(id => Ids.Format("minv", id));
                tx.Announce(
                    new MemberInvitationsCreated(tx.NewEventId(), tx.Call.WorkspaceId, tx.Now, ids),
                    new Target("member_invitation", ids)
                );
            }

            return Answer(results, request.OnlyProblems);
        });

    /// <summary>
    /// Passes when the caller may manage people wherever the rows give roles. What does not exist for them, a row says itself.
    /// </summary>
    private static void RequireReach(InviteMembersRequest request, MemberGrants grants, Reach reach)
    {
        var touched = request.Invitations.SelectMany(row => row.Roles).Select(asked => asked.EnvironmentId).ToList();
        if (request.Invitations.Any(row => row.Roles.Count == 0))
        {
            touched.Add(Ids.Format("env", grants.DefaultEnvironment));
        }

        reach.Require(
            Scopes.WorkspaceWrite,
            touched.Select(id => Ids.TryParse("env", id, out var environment) ? environment : Guid.Empty).Where(reach.Knows)
        );
    }

    /// <summary>The roles a row asks for, or the rule it breaks.</summary>
    private static string? Read(MemberInvitationRow row, string role, MemberGrants grants, out SortedDictionary<Guid, string> roles)
    {
        roles = [];
        if (row.Roles.Count == 0)
        {
            roles.Add(grants.DefaultEnvironment, role.Length > 0 ? role : Roles.Viewer);
        }

        foreach (var asked in row.Roles)
        {
            // An environment that the inviter has no role in does not exist for them.
            if (!Ids.TryParse("env", asked.EnvironmentId, out var environment) || !grants.Roles.ContainsKey(environment))
            {
                return $"roles: there is no environment {asked.EnvironmentId} here. Take it from list_environments.";
            }

            if (!Roles.All.Contains(asked.Role))
            {
                return $"roles: {asked.Role} is not one of {string.Join(", ", Roles.All)}. Send one of them.";
            }

            if (!roles.TryAdd(environment, asked.Role))
            {
                return $"roles: names {asked.EnvironmentId} twice. Name each environment once.";
            }
        }

        foreach (var (environment, given) in roles)
        {
            if (!grants.Allows(environment, given))
            {
                return $"roles: you may not give the role {given} in {Ids.Format("env", environment)}. "
                    + "It takes a role there that manages people and is not below the one given; only owners make owners.";
            }
        }

        return null;
    }

    private static SortedDictionary<Guid, string> RolesIn(NpgsqlDataReader row) =>
        new(
            row.GetFieldValue<Guid[]>("environments")
                .Zip(row.GetFieldValue<string[]>("roles"))
                .ToDictionary(given => given.First, given => given.Second)
        );

    /// <summary>
    /// Says which roles stand, where they are not the ones that a row asks for. Environments in which the caller has no role do not exist
    /// for them.
    /// </summary>
    private static string Note(
        SortedDictionary<Guid, string> asked,
        SortedDictionary<Guid, string> standing,
        MemberGrants grants,
        string what,
        string remedy
    )
    {
        var seen = standing.Where(role => grants.Roles.ContainsKey(role.Key)).ToList();
        if (seen.SequenceEqual(asked))
        {
            return "";
        }

        var roles = string.Join(", ", seen.Select(role => $"the role {role.Value} in {Ids.Format("env", role.Key)}"));
        return $"{what} {(roles.Length > 0 ? roles : "no role that you can see")}. {remedy}";
    }

    private static InvitationResult Refused(string email, string problem) =>
        new()
        {
            Outcome = InvitationOutcome.Invalid,
            Email = email,
            Problem = problem,
        };

    /// <summary>Somebody who would manage people, and where.</summary>
    private sealed record GivenRoles(string Email, SortedDictionary<Guid, string> Roles)
    {
        public string Fingerprint => $"{Email} {string.Join(' ', Roles.Select(role => $"{role.Key}:{role.Value}"))}";

        public object Preview =>
            new { Email, Roles = Roles.Select(role => new { EnvironmentId = Ids.Format("env", role.Key), Role = role.Value }) };
    }

    private InviteMembersResponse Answer(List<InvitationResult> results, bool onlyProblems)
    {
        var answer = new InviteMembersResponse
        {
            Results = { InvitationResults.Show(results, onlyProblems, out var leftOut) },
            Counts = InvitationResults.Count(results),
            MailNotice = mail.Value.Notice,
        };
        if (leftOut > 0)
        {
            answer.LeftOut = leftOut;
        }

        return answer;
    }
}
