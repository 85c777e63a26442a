using Platform.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.Identity.Contracts.V1;
using Platform.ServiceDefaults.Calls;

namespace Platform.Identity.Service.Callers;

/// <summary>The rules of what a caller may do, apart from where the facts come from.</summary>
internal static class Policy
{
    public const string Production = "production";

    /// <summary>
    /// The environment that a caller named by id, name or kind; without a name the default one, or the first that MCP may reach. Null when
    /// there is none of that name.
    /// </summary>
    public static MemberEnvironment? Choose(IReadOnlyList<MemberEnvironment> environments, string named, bool productionAccess)
    {
        if (named.Length == 0)
        {
            return environments.FirstOrDefault(environment => environment.IsDefault)
                ?? environments.FirstOrDefault(environment => IsAllowed(environment, productionAccess))
                ?? (environments.Count > 0 ? environments[0] : null);
        }

        var found = environments.FirstOrDefault(environment => environment.EnvironmentId == named)
            ?? environments.FirstOrDefault(environment => string.Equals(environment.Name, named, StringComparison.OrdinalIgnoreCase));
        if (found is not null)
        {
            return found;
        }

        var ofKind = environments.Where(environment => environment.Kind == named).ToList();
        return ofKind.Count == 1 ? ofKind[0] : null;
    }

    public static bool IsAllowed(MemberEnvironment environment, bool productionAccess) =>
        productionAccess || environment.Kind != Production;

    public static IReadOnlyCollection<string> RolePermissions(MemberEnvironment environment) =>
        environment.Permissions.Count > 0 ? environment.Permissions : (IReadOnlyCollection<string>)Roles.PermissionsOf(environment.Role);

    /// <summary>
    /// What a member may touch over MCP with these scopes, in every environment of the workspace, those included that they have no role in.
    /// </summary>
    public static Reach ReachOf(Membership membership, IReadOnlyCollection<string> scopes, Switches switches) =>
        ReachOf(membership, environment => Effective(RolePermissions(environment), scopes, switches), switches.ProductionAccess);

    /// <summary>The same for the member in person, where no token and no switch limits the role.</summary>
    public static Reach ReachOf(Membership membership) => ReachOf(membership, RolePermissions, productionAccess: true);

    private static Reach ReachOf(Membership membership, Func<MemberEnvironment, IEnumerable<string>> permissions, bool productionAccess) =>
        new([
            .. membership
                .Environments.Concat(membership.OtherEnvironments)
                .Select(environment => new ReachedEnvironment(
                    Ids.TryParse("env", environment.EnvironmentId, out var id)
                        ? id
                        : throw new InvalidOperationException("Directory gave no environment id."),
                    environment.Kind,
                    environment.Role,
                    permissions(environment).ToHashSet(StringComparer.Ordinal),
                    IsAllowed(environment, productionAccess)
                )),
        ]);

    /// <summary>What role, token and switches all allow. A scope never widens the role, a role never widens the scopes.</summary>
    public static IEnumerable<string> Effective(IEnumerable<string> rolePermissions, IEnumerable<string> scopes, Switches switches) =>
        rolePermissions
            .Intersect(scopes)
            .Where(permission => switches.WriteAccess || permission.EndsWith(":read", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal);
}
