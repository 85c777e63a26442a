using System.Text.Json.Nodes;
using Platform.Identity.EmbeddedRealm.State;

namespace Platform.Identity.EmbeddedRealm.Admin;

internal static class AdminClients
{
    public static Answer List(RealmRequest request)
    {
        var found = request.Realm.State.Clients.Where(client =>
            request.Query("clientId") is not { } id || (string)client["clientId"]! == id
        );
        if (int.TryParse(request.Query("first"), out var first))
        {
            found = found.Skip(first);
        }

        if (int.TryParse(request.Query("max"), out var max))
        {
            found = found.Take(max);
        }

        return AdminRealm.List(found);
    }

    public static Answer Get(RealmRequest request) => With(request, client => Answer.Json(client.Json));

    public static Answer Add(RealmRequest request)
    {
        if (request.Body?.DeepClone() is not JsonObject wanted || (string?)wanted["clientId"] is not { Length: > 0 } name)
        {
            return AdminRealm.Refused("clientId is missing.");
        }

        if (request.Realm.FindClient(name) is not null)
        {
            return AdminRealm.Conflict($"Client {name} already exists");
        }

        wanted.Remove("id");
        var client = RealmImport.AddClient(request.Realm.State, wanted);
        return new Answer(201) { CreatedId = client.Id };
    }

    /// <summary>Takes what is named. Client scopes have calls of their own, and stay.</summary>
    public static Answer Update(RealmRequest request) => With(request, client =>
        {
            if (request.Body is not JsonObject wanted)
            {
                return AdminRealm.Refused("The body is not a JSON object.");
            }

            if ((string?)wanted["clientId"] is { } name && name != client.ClientId)
            {
                return AdminRealm.Refused("The embedded realm does not rename clients.");
            }

            foreach (var (setting, value) in wanted)
            {
                if (setting is not ("id" or "defaultClientScopes" or "optionalClientScopes" or "access" or "protocolMappers"))
                {
                    client.Json[setting] = value?.DeepClone();
                }
            }
            return Answer.NoContent;
        });

    public static Answer Remove(RealmRequest request) => With(request, client =>
        {
            var state = request.Realm.State;
            state.Clients.Remove(client.Json);
            state.Grants.RemoveAll(grant => grant.ClientId == client.ClientId);
            state.Users.RemoveAll(user => user.ServiceAccountClientId == client.ClientId);
            foreach (var user in state.Users)
            {
                user.Consents.RemoveAll(consent => consent.ClientId == client.ClientId);
            }

            return Answer.NoContent;
        });

    public static Answer Secret(RealmRequest request) =>
        With(request, client => Answer.Json(new JsonObject { ["type"] = "secret", ["value"] = client.Secret }));

    public static Answer ServiceAccount(RealmRequest request) => With(request, client =>
        {
            if (!client.ServiceAccount)
            {
                return AdminRealm.Refused($"Service account not enabled for the client '{client.ClientId}'");
            }

            request.Realm.Changed();
            return Answer.Json(
                UserRepresentation.Of(RealmImport.ServiceAccountOf(request.Realm.State, client, request.Realm.Name, request.Realm.Now))
            );
        });

    public static Answer Roles(RealmRequest request) =>
        With(request, client => AdminRealm.List(request.Realm.State.Roles.Where(role => (string)role["containerId"]! == client.Id)));

    public static Answer RealmRoles(RealmRequest request) =>
        AdminRealm.List(request.Realm.State.Roles.Where(role => (string)role["containerId"]! == request.Realm.State.Id));

    /// <param name="kind">default or optional.</param>
    public static Func<RealmRequest, Answer> Scopes(string kind) =>
        request => With(request, client => AdminScopes.Short(request.Realm, client.Json[$"{kind}ClientScopes"].Texts()));

    public static Func<RealmRequest, Answer> AddScope(string kind) => request => WithScope(request, (client, scope) =>
            {
                // A scope is one or the other.
                foreach (var list in (string[])["default", "optional"])
                {
                    var others = client.Json[$"{list}ClientScopes"].Texts().Where(name => name != scope);
                    client.Json[$"{list}ClientScopes"] = (list == kind ? others.Append(scope) : others).ToJson();
                }
                return Answer.NoContent;
            });

    public static Func<RealmRequest, Answer> RemoveScope(string kind) => request => WithScope(request, (client, scope) =>
            {
                client.Json[$"{kind}ClientScopes"] = client.Json[$"{kind}ClientScopes"].Texts().Where(name => name != scope).ToJson();
                return Answer.NoContent;
            });

    private static Answer With(RealmRequest request, Func<Client, Answer> act) =>
        request.Realm.FindClientById(request.Route("id")) is { } client ? act(client) : AdminRealm.NotFound("client");

    private static Answer WithScope(RealmRequest request, Func<Client, string, Answer> act) =>
        With(request, client =>
            request.Realm.FindScopeById(request.Route("scope")) is { } scope
                ? act(client, (string)scope["name"]!)
                : AdminRealm.NotFound("client scope")
        );
}
