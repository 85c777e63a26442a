using System.Text.Json.Nodes;

namespace Platform.Identity.Service.Realm;

internal sealed partial class RealmReconciler
{
    // An address binds an account to its membership, and whoever has one can be invited to it. So nobody gives themselves another: the
    // realm file cannot say that without all that Keycloak's own profile has.
    private async Task ReconcileProfileAsync(CancellationToken cancellationToken)
    {
        if (await keycloak.GetAsync("users/profile", cancellationToken) is not JsonObject profile)
        {
            return;
        }

        var email = (profile["attributes"] as JsonArray ?? []).FirstOrDefault(attribute => (string?)attribute!["name"] == "email");
        if (email is null || Names(email["permissions"]?["edit"]).SetEquals(["admin"]))
        {
            return;
        }

        email["permissions"] = new JsonObject { ["view"] = new JsonArray("admin", "user"), ["edit"] = new JsonArray("admin") };
        await keycloak.PutAsync("users/profile", profile, cancellationToken);
        _changes.Add("profile: people cannot change their address by themselves");
    }
}
