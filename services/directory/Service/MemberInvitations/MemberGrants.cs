using System.Data;
using Platform.Contracts;
using Platform.ServiceDefaults.State;

namespace Platform.Directory.Service.MemberInvitations;

/// <summary>Which roles a member may give to others: where they may manage people, and never more than they may do themselves.</summary>
/// <param name="DefaultEnvironment">Where new members begin.</param>
/// <param name="Roles">The member's own role by environment.</param>
internal sealed record MemberGrants(Guid DefaultEnvironment, IReadOnlyDictionary<Guid, string> Roles)
{
    private const string ManagePeople = Scopes.WorkspaceWrite;

    private const string FindRoles = """
        select e.id, e.is_default, coalesce(r.role, '') as role from directory.environment e
            left join directory.member_role r on r.environment_id = e.id and r.member_id = $1
        """;

    public static async Task<MemberGrants> OfAsync(WriteTransaction tx, Guid member)
    {
        var found = await tx.QueryAsync(
            FindRoles,
            row => (Id: row.GetGuid("id"), IsDefault: row.GetBoolean("is_default"), Role: row.GetString("role")),
            member
        );
        return new MemberGrants(
            found.First(environment => environment.IsDefault).Id,
            found
                .Where(environment => environment.Role.Length > 0)
                .ToDictionary(environment => environment.Id, environment => environment.Role)
        );
    }

    /// <summary>Whether the role is one of those that give roles to others: admin and owner.</summary>
    public static bool ManagesPeople(string role) => Platform.Contracts.Roles.PermissionsOf(role).Contains(ManagePeople);

    public bool Allows(Guid environment, string role) =>
        Roles.TryGetValue(environment, out var own)
        && Platform.Contracts.Roles.PermissionsOf(own) is var permissions
        && permissions.Contains(ManagePeople)
        && permissions.IsSupersetOf(Platform.Contracts.Roles.PermissionsOf(role));
}
