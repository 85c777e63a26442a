using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Platform.Contracts;
using Platform.Directory.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.Directory.Service.Values;
using Platform.ServiceDefaults;
using Platform.ServiceDefaults.Calls;

namespace Platform.Directory.Service.Organizations;

internal sealed partial class OrganizationsService
{
    // Locked by a statement of its own: the one that reads domains and counts must begin when the lock is held, to see what others did.
    private const string LockOrganization = "select 1 from directory.organization where id = $1 for update";

    private const string ChangeOrganization = """
        update directory.organization set name = $2, external_id = $3, metadata = $4::jsonb, version = version + 1, updated_at = $5
        where id = $1
        """;

    private const string RemoveDomains = "delete from directory.organization_domain where organization_id = $1 and domain = any($2)";

    public override Task<UpdateOrganizationResponse> UpdateOrganization(UpdateOrganizationRequest request, ServerCallContext context)
    {
        var id = Ids.Parse("org", request.OrganizationId, "organizationId");
        var add = OrganizationRules.Domains(request.AddDomains, "addDomains");
        var remove = OrganizationRules.Domains(request.RemoveDomains, "removeDomains");
        if (add.Intersect(remove).FirstOrDefault() is { } both)
        {
            throw Problem.Invalid("removeDomains", $"names {both}, which addDomains names too", "Name a domain in one of them.");
        }

        KeptMetadata.CheckMode(request.Metadata, request.MetadataMode);
        return work.WriteAsync(context, async tx =>
        {
            await tx.ExecuteAsync(LockOrganization, id);
            var organization = await tx.QueryOneAsync(FindById, row => OrganizationRow.Read(row), id)
                ?? throw Problem.NotFound("organization", request.OrganizationId);
            if (request.HasExpectedVersion && request.ExpectedVersion != organization.Version)
            {
                throw Problem.Conflict(
                    Reasons.VersionConflict,
                    $"The organization is at version {organization.Version}, not {request.ExpectedVersion}: somebody changed it.",
                    "Get it again, then decide anew."
                );
            }

            var changed = Apply(request, organization, add, remove);
            if (changed.Count == 0)
            {
                return new UpdateOrganizationResponse { Organization = organization };
            }

            organization.Version++;
            organization.UpdatedAt = Timestamp.FromDateTimeOffset(tx.Now);
            await tx.ExecuteAsync(
                ChangeOrganization,
                id,
                organization.Name,
                organization.ExternalId.Length == 0 ? null : organization.ExternalId,
                organization.Metadata.Utf8.ToStringUtf8(),
                tx.Now
            );
            await tx.ExecuteAsync(RemoveDomains, id, remove);
            await OrganizationRules.AddDomainsAsync(
                tx,
                id,
                [.. changed.Where(change => change is { Field: "domains", After: not null }).Select(change => change.After!)]
            );

            tx.Announce(
                new OrganizationUpdated(tx.NewEventId(), tx.Call.WorkspaceId, tx.Now, organization.Id, organization.Version, changed),
                new Target("organization", organization.Id)
            );
            return new UpdateOrganizationResponse { Organization = organization };
        });
    }

    private static List<FieldChange> Apply(UpdateOrganizationRequest request, Organization organization, string[] add, string[] remove)
    {
        var changes = new List<FieldChange>();
        if (request.HasName && OrganizationRules.Name(request.Name) is var name && name != organization.Name)
        {
            changes.Add(new FieldChange("name", organization.Name, name));
            organization.Name = name;
        }

        if (
            request.HasExternalId
            && (OrganizationRules.ExternalId(request.ExternalId) ?? "") is var externalId
            && externalId != organization.ExternalId
        )
        {
            changes.Add(new FieldChange("externalId", NullIfEmpty(organization.ExternalId), NullIfEmpty(externalId)));
            organization.ExternalId = externalId;
        }

        ApplyDomains(organization, add, remove, changes);
        if (request.Metadata is not null)
        {
            var metadata = KeptMetadata.Change(organization.Metadata, request.Metadata, request.MetadataMode);
            changes.AddRange(metadata.Changes);
            organization.Metadata = metadata.After;
        }

        return changes;
    }

    private static void ApplyDomains(Organization organization, string[] add, string[] remove, List<FieldChange> changes)
    {
        var kept = organization.Domains.Where(domain => !remove.Contains(domain.Domain)).ToList();
        var added = add.Except(kept.Select(domain => domain.Domain)).ToList();
        changes.AddRange(organization.Domains.Except(kept).Select(domain => new FieldChange("domains", domain.Domain, null)));
        changes.AddRange(added.Select(domain => new FieldChange("domains", null, domain)));
        if (kept.Count + added.Count > OrganizationRules.MaxDomains)
        {
            throw Problem.Invalid(
                "addDomains",
                $"would give the organization {kept.Count + added.Count} domains, more than {OrganizationRules.MaxDomains}",
                "Remove some."
            );
        }

        organization.Domains.Clear();
        organization.Domains.AddRange(
            kept.Concat(added.Select(domain => new OrganizationDomain { Domain = domain, State = "pending" }))
                .OrderBy(domain => domain.Domain, StringComparer.Ordinal)
        );
    }

    private static string? NullIfEmpty(string text) => text.Length == 0 ? null : text;
}
