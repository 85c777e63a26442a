using System.Data;
using Google.Protobuf.WellKnownTypes;
using Npgsql;
using Platform.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.Directory.Service.Values;

namespace Platform.Directory.Service.Organizations;

/// <summary>An organization as its queries select it.</summary>
internal static class OrganizationRow
{
    /// <summary>Of <c>directory.organization o</c>.</summary>
    public const string Columns = """
        o.id, o.name, o.external_id, o.metadata::text as metadata, o.version, o.created_at, o.updated_at,
        array(select d.domain from directory.organization_domain d where d.organization_id = o.id order by d.domain) as domains,
        array(select d.state from directory.organization_domain d where d.organization_id = o.id order by d.domain) as domain_states
        """;

    public static Organization Read(NpgsqlDataReader row, bool withMetadata = true)
    {
        var organization = new Organization
        {
            Id = Ids.Format("org", row.GetGuid("id")),
            Name = row.GetString("name"),
            ExternalId = row.IsDBNull("external_id") ? "" : row.GetString("external_id"),
            Metadata = withMetadata ? KeptMetadata.ToJson(row.GetString("metadata")) : null,
            Version = row.GetInt64("version"),
            CreatedAt = Timestamp.FromDateTime(row.GetDateTime("created_at")),
            UpdatedAt = Timestamp.FromDateTime(row.GetDateTime("updated_at")),
        };
        organization.Domains.AddRange(
            row.GetFieldValue<string[]>("domains")
                .Zip(row.GetFieldValue<string[]>("domain_states"), (domain, state) =>
                    new OrganizationDomain { Domain = domain, State = state }
                )
        );
        return organization;
    }
}
