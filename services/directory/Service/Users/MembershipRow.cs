using System.Data;
using Google.Protobuf.WellKnownTypes;
using Npgsql;
using Platform.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.ServiceDefaults.State;

namespace Platform.Directory.Service.Users;

/// <summary>A membership as its queries select it.</summary>
internal static class MembershipRow
{
    public const string Active = "active";

    public const string Select = """
        select m.id, m.organization_id, o.name as organization_name, m.user_id, u.email, m.role, m.state, m.created_at, m.updated_at
        from directory.membership m join directory.organization o on o.id = m.organization_id
            join directory.directory_user u on u.id = m.user_id
        """;

    public const string FindById = $"{Select} where m.id = $1";

    // The organization first and then the user, as everywhere: the deletion of either counts its memberships. An inactive membership that
    // becomes active comes about as a new one does, never beside an invitation.
    private const string LockOrganization = """
        select 1 from directory.organization where id = (select organization_id from directory.membership where id = $1)
            for no key update
        """;

    private const string LockUser = """
        select 1 from directory.directory_user where id = (select user_id from directory.membership where id = $1) for key share
        """;

    private const string Lock = "select 1 from directory.membership where id = $1 for update";

    /// <summary>The membership, locked until the commit; null when there is none.</summary>
    public static async Task<OrganizationMembership?> LockAsync(WriteTransaction tx, Guid id)
    {
        await tx.ExecuteAsync(LockOrganization, id);
        await tx.ExecuteAsync(LockUser, id);
        await tx.ExecuteAsync(Lock, id);
        return await tx.QueryOneAsync(FindById, Read, id);
    }

    public static OrganizationMembership Read(NpgsqlDataReader row) =>
        new()
        {
            Id = Ids.Format("om", row.GetGuid("id")),
            OrganizationId = Ids.Format("org", row.GetGuid("organization_id")),
            OrganizationName = row.GetString("organization_name"),
            UserId = Ids.Format("usr", row.GetGuid("user_id")),
            Email = row.GetString("email"),
            Role = row.GetString("role"),
            State = row.GetString("state"),
            CreatedAt = Timestamp.FromDateTime(row.GetDateTime("created_at")),
            UpdatedAt = Timestamp.FromDateTime(row.GetDateTime("updated_at")),
        };

    public static Target[] Targets(OrganizationMembership membership) =>
        [
            new Target("membership", membership.Id),
            new Target("organization", membership.OrganizationId),
            new Target("user", membership.UserId),
        ];
}
