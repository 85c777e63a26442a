using System.Data;
using Grpc.Core;
using Platform.Contracts;
using Platform.Directory.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.ServiceDefaults;
using Platform.ServiceDefaults.Calls;

namespace Platform.Directory.Service.Organizations;

internal sealed partial class OrganizationsService
{
    private const string CountWhatGoes = """
        select o.name, o.version,
            (select count(*) from directory.organization_domain where organization_id = o.id)::int as domains,
            (select count(*) from directory.invitation where organization_id = o.id)::int as invitations,
            (select count(*) from directory.invitation where organization_id = o.id and is_open and expires_at > $2)::int as pending,
            (select count(*) from directory.invitation where organization_id = o.id and revoked_at is not null)::int as revoked,
            (select count(*) from directory.membership where organization_id = o.id)::int as memberships
        from directory.organization o where o.id = $1
        """;

    private const string Delete = "delete from directory.organization where id = $1";

    public override Task<DeleteOrganizationResponse> DeleteOrganization(DeleteOrganizationRequest request, ServerCallContext context)
    {
        var id = Ids.Parse("org", request.OrganizationId, "organizationId");
        return work.WriteAsync(context, async tx =>
        {
            // Invitations and memberships are written under a lock of their organization as well, so the counts hold until the commit.
            await tx.ExecuteAsync(LockOrganization, id);
            var found = await tx.QueryOneAsync(
                CountWhatGoes,
                row => new
                {
                    Name = row.GetString("name"),
                    Version = row.GetInt64("version"),
                    Domains = row.GetInt32("domains"),
                    Invitations = row.GetInt32("invitations"),
                    Pending = row.GetInt32("pending"),
                    Revoked = row.GetInt32("revoked"),
                    Memberships = row.GetInt32("memberships"),
                },
                id,
                tx.Now
            ) ?? throw Problem.NotFound("organization", request.OrganizationId);

            await tx.ConfirmAsync(
                FormattableString.Invariant($"{found.Version}/{found.Domains}/{found.Invitations}/{found.Revoked}/{found.Memberships}"),
                new
                {
                    organization = new { id = request.OrganizationId, name = found.Name },
                    domains = found.Domains,
                    invitations = found.Invitations,
                    pendingInvitations = found.Pending,
                    memberships = found.Memberships,
                }
            );
            await tx.ExecuteAsync(Delete, id);

            tx.Announce(
                new OrganizationDeleted(
                    tx.NewEventId(),
                    tx.Call.WorkspaceId,
                    tx.Now,
                    request.OrganizationId,
                    found.Name,
                    found.Domains,
                    found.Invitations,
                    found.Memberships
                ),
                new Target("organization", request.OrganizationId)
            );
            return new DeleteOrganizationResponse
            {
                Id = request.OrganizationId,
                Deleted = new DeletedWithOrganization
                {
                    Domains = found.Domains,
                    Invitations = found.Invitations,
                    Memberships = found.Memberships,
                },
            };
        });
    }
}
