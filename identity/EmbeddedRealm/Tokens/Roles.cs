using Platform.Identity.EmbeddedRealm.State;

namespace Platform.Identity.EmbeddedRealm.Tokens;

/// <summary>Roles as <c>name</c>, or <c>client/name</c>.</summary>
internal static class Roles
{
    /// <summary>All that a person has, those of the default role too.</summary>
    public static HashSet<string> Of(ServedRealm realm, User user)
    {
        var roles = new HashSet<string>(user.RealmRoles);
        foreach (var (client, names) in user.ClientRoles)
        {
            roles.UnionWith(names.Select(name => $"{client}/{name}"));
        }

        if (roles.Contains($"default-roles-{realm.Name}"))
        {
            roles.UnionWith(["offline_access", "uma_authorization", "account/view-profile", "account/manage-account"]);
        }

        return roles;
    }

    /// <summary>Those of them that a client may see with these scopes.</summary>
    public static HashSet<string> Visible(ServedRealm realm, User user, Client client, IEnumerable<string> scopes)
    {
        var roles = Of(realm, user);
        if (!client.FullScope)
        {
            var allowed = scopes
                .Select(realm.FindScope)
                .OfType<System.Text.Json.Nodes.JsonObject>()
                .SelectMany(scope => scope[ServedRealm.RolesOfScope].Texts())
                .ToHashSet();
            roles.RemoveWhere(role => !allowed.Contains(role) && !role.StartsWith(client.ClientId + "/", StringComparison.Ordinal));
        }
        return roles;
    }
}
