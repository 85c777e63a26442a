using System.Data;
using Grpc.Core;
using Platform.Contracts;
using Platform.Directory.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.Directory.Service.Mail;
using Platform.ServiceDefaults.State;

namespace Platform.Directory.Service.Invitations;

internal sealed partial class InvitationsService
{
    // Invitations of one organization are written one call after the other, and never beside its deletion. The order keeps two calls
    // with several organizations from waiting for each other.
    private const string LockOrganizations = "select id from directory.organization where id = any($1) order by id for no key update";

    // These look at organizations and addresses apart from each other and may touch more than was asked for. A join with the asked pairs
    // would be quadratic whenever the planner takes the table for small, as it does while people are imported.
    private const string CloseExpired = """
        update directory.invitation set is_open = false
        where is_open and expires_at <= $3 and organization_id = any($1) and email = any($2)
        """;

    private const string FindOpen = """
        select organization_id, email, id, role from directory.invitation
        where is_open and organization_id = any($1) and email = any($2)
        """;

    private const string FindMembers = """
        select m.organization_id, u.email, m.role from directory.directory_user u join directory.membership m on m.user_id = u.id
        where m.organization_id = any($1) and m.state = 'active' and u.email = any($2)
        """;

    private const string InsertInvitations = """
        insert into directory.invitation (id, organization_id, email, role, expires_at, invited_by, created_at)
        select id, organization_id, email, role, expires_at, $6::uuid, $7
        from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::timestamptz[])
            as invited(id, organization_id, email, role, expires_at)
        """;

    public override Task<CreateInvitationsResponse> CreateInvitations(CreateInvitationsRequest request, ServerCallContext context)
    {
        var rows = request.Invitations.Select(row => InvitationRules.Read(row, request)).ToList();
        return work.WriteAsync(context, async tx =>
        {
            var created = await DecideAsync(tx, rows);
            if (created.Count > 0)
            {
                await InsertAsync(tx, created);
                await MailQueue.AskAsync(tx, [.. created.Select(row => row.Id)]);
                var organizations = created
                    .Select(row => Ids.Format("org", row.Organization))
                    .Distinct()
                    .Order(StringComparer.Ordinal)
                    .ToList();
                var invitations = created.ConvertAll(row => row.Result.InvitationId);
                tx.Announce(
                    new InvitationsCreated(tx.NewEventId(), tx.Call.WorkspaceId, tx.Now, invitations, invitations.Count, organizations),
                    new Target("invitation", invitations),
                    new Target("organization", organizations)
                );
            }

            return Answer(rows, request.OnlyProblems);
        });
    }

    /// <summary>Gives every row its outcome. Returns those to create, which have got their ids.</summary>
    private static async Task<List<AskedInvitation>> DecideAsync(WriteTransaction tx, List<AskedInvitation> rows)
    {
        // From the rows as they were asked, every time: the unit of work runs this again after a deadlock.
        var valid = rows.Where(row => row.IsWellFormed).ToList();
        var found = (
            await tx.QueryAsync(LockOrganizations, row => row.GetGuid(0), valid.Select(row => row.Organization).Distinct().ToArray())
        ).ToHashSet();
        foreach (var row in valid.Where(row => !found.Contains(row.Organization)))
        {
            var named = Ids.Format("org", row.Organization);
            row.Refuse($"organizationId: there is no organization {named} here. Take it from list_organizations.");
        }

        valid.RemoveAll(row => !found.Contains(row.Organization));

        var organizations = valid.Select(row => row.Organization).Distinct().ToArray();
        var emails = valid.Select(row => row.Email).Distinct().ToArray();
        await tx.ExecuteAsync(CloseExpired, organizations, emails, tx.Now);
        var open = (
            await tx.QueryAsync(
                FindOpen,
                row =>
                    (
                        Key: (row.GetGuid("organization_id"), row.GetString("email")),
                        Invitation: (Id: row.GetGuid("id"), Role: row.GetString("role"))
                    ),
                organizations,
                emails
            )
        ).ToDictionary(row => row.Key, row => row.Invitation);
        var members = (
            await tx.QueryAsync(
                FindMembers,
                row => (Key: (row.GetGuid("organization_id"), row.GetString("email")), Role: row.GetString("role")),
                organizations,
                emails
            )
        ).ToDictionary(row => row.Key, row => row.Role);

        var created = new List<AskedInvitation>();
        foreach (var row in valid)
        {
            var key = (row.Organization, row.Email);
            if (members.TryGetValue(key, out var role))
            {
                row.Conclude(InvitationOutcome.AlreadyMember);
                row.Note(role, "The user is in the organization", "update_membership changes it.");
            }
            else if (open.TryGetValue(key, out var invitation))
            {
                row.Conclude(InvitationOutcome.AlreadyInvited, invitation.Id);
                row.Note(
                    invitation.Role,
                    "The pending invitation stands as it is,",
                    "To change that, revoke it with revoke_invitation, and invite again."
                );
            }
            else
            {
                // A second row of the same address finds the invitation of the first.
                open.Add(key, invitation = (Ids.New(), row.Role));
                row.Conclude(InvitationOutcome.Created, invitation.Id);
                created.Add(row);
            }
        }

        return created;
    }

    private static async Task InsertAsync(WriteTransaction tx, List<AskedInvitation> created) =>
        await tx.ExecuteAsync(
            InsertInvitations,
            created.ConvertAll(row => row.Id).ToArray(),
            created.ConvertAll(row => row.Organization).ToArray(),
            created.ConvertAll(row => row.Email).ToArray(),
            created.ConvertAll(row => row.Role).ToArray(),
            created.ConvertAll(row => (tx.Now + TimeSpan.FromDays(row.Days)).UtcDateTime).ToArray(),
            tx.Call.Caller.MemberId,
            tx.Now
        );

    private CreateInvitationsResponse Answer(List<AskedInvitation> rows, bool onlyProblems)
    {
        var results = rows.ConvertAll(row => row.Result);
        var answer = new CreateInvitationsResponse
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
