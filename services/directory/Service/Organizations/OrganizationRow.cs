using Google.Protobuf.WellKnownTypes;
using Npgsql;
using Platform.Contracts;
using Platform.Directory.Contracts.V1;

namespace Platform.Directory.Service;

/// <summary>An organization as its queries select it.</summary>
internal static class OrganizationRow
{
    /// <summary>Of <c>directory.organization o</c>.</summary>
    public const string Columns = """
        o.id, o.name, o.external_id, o.metadata::text, o.version, o.created_at, o.updated_at,
        array(select d.domain from directory.organization_domain d where d.organization_id = o.id order by d.domain),
        array(select d.state from directory.organization_domain d where d.organization_id = o.id order by d.domain)
        """;

    public static Organization Read(NpgsqlDataReader row, bool withMetadata = true)
    {
        var organization = new Organization
        {
            Id = Ids.Format("org", row.GetGuid(0)),
            Name = row.GetString(1),
            ExternalId = row.IsDBNull(2) ? "" : row.GetString(2),
            Metadata = withMetadata ? Metadata.ToJson(row.GetString(3)) : null,
            Version = row.GetInt64(4),
            CreatedAt = Timestamp.FromDateTime(row.GetDateTime(5)),
            UpdatedAt = Timestamp.FromDateTime(row.GetDateTime(6)),
        };
        organization.Domains.AddRange(
            row.GetFieldValue<string[]>(7)
                .Zip(row.GetFieldValue<string[]>(8), (domain, state) => new OrganizationDomain { Domain = domain, State = state })
        );
        return organization;
    }
}
