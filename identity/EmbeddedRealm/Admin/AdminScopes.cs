using System.Text.Json.Nodes;
using Platform.Identity.EmbeddedRealm.State;
using Platform.Identity.EmbeddedRealm.Tokens;

namespace Platform.Identity.EmbeddedRealm.Admin;

/// <summary>Client scopes, their mappers, and the roles that they let through.</summary>
internal static class AdminScopes
{
    public static Answer List(RealmRequest request) => AdminRealm.List(request.Realm.State.ClientScopes.Select(Shown));

    public static Answer Get(RealmRequest request) => With(request, scope => Answer.Json(Shown(scope)));

    public static Answer Add(RealmRequest request)
    {
        if (request.Body?.DeepClone() is not JsonObject wanted || (string?)wanted["name"] is not { Length: > 0 } name)
        {
            return AdminRealm.Refused("name is missing.");
        }

        if (request.Realm.FindScope(name) is not null)
        {
            return AdminRealm.Conflict($"Client Scope {name} already exists");
        }

        foreach (var mapper in (wanted["protocolMappers"] as JsonArray ?? []).OfType<JsonObject>())
        {
            if (!ProtocolMappers.Knows((string?)mapper["protocolMapper"]))
            {
                return UnknownMapper(mapper);
            }

            mapper["id"] = RealmImport.NewId();
        }
        wanted["id"] = RealmImport.NewId();
        wanted.Remove(ServedRealm.RolesOfScope);
        request.Realm.State.ClientScopes.Add(wanted);
        return new Answer(201) { CreatedId = (string)wanted["id"]! };
    }

    public static Answer Update(RealmRequest request) => With(request, scope =>
        {
            foreach (var (name, value) in request.Body as JsonObject ?? [])
            {
                if (name is "description" or "attributes" or "protocol")
                {
                    scope[name] = value?.DeepClone();
                }
            }
            return Answer.NoContent;
        });

    public static Answer AddMapper(RealmRequest request) => With(request, scope =>
        {
            if (request.Body?.DeepClone() is not JsonObject mapper || !ProtocolMappers.Knows((string?)mapper["protocolMapper"]))
            {
                return UnknownMapper(request.Body);
            }

            var mappers = Mappers(scope);
            if (mappers.Any(other => (string?)other!["name"] == (string?)mapper["name"]))
            {
                return AdminRealm.Conflict("Protocol mapper exists with same name");
            }

            var id = RealmImport.NewId();
            mapper["id"] = id;
            mappers.Add(mapper);
            return new Answer(201) { CreatedId = id };
        });

    public static Answer UpdateMapper(RealmRequest request) => WithMapper(request, (mappers, index) =>
        {
            if (request.Body?.DeepClone() is not JsonObject mapper || !ProtocolMappers.Knows((string?)mapper["protocolMapper"]))
            {
                return UnknownMapper(request.Body);
            }

            mapper["id"] = request.Route("mapper");
            mappers[index] = mapper;
            return Answer.NoContent;
        });

    public static Answer RemoveMapper(RealmRequest request) => WithMapper(request, (mappers, index) =>
        {
            mappers.RemoveAt(index);
            return Answer.NoContent;
        });

    /// <param name="client">The roles of a client, or of the realm.</param>
    public static Func<RealmRequest, Answer> RolesOf(bool client) =>
        request =>
            With(request, scope =>
                Prefix(request, client) is not { } prefix
                    ? AdminRealm.NotFound("client")
                    : AdminRealm.List(
                        request.Realm.State.Roles.Where(role =>
                            (string)role["containerId"]! == Container(request, client)
                            && scope[ServedRealm.RolesOfScope].Texts().Contains(prefix + role["name"])
                        )
                    )
            );

    public static Func<RealmRequest, Answer> AddRoles(bool client) => request => With(request, scope =>
            {
                if (Prefix(request, client) is not { } prefix)
                {
                    return AdminRealm.NotFound("client");
                }

                var added = (request.Body as JsonArray ?? []).Select(role => prefix + role!["name"]);
                scope[ServedRealm.RolesOfScope] = scope[ServedRealm.RolesOfScope].Texts().Concat(added).Distinct().ToJson();
                return Answer.NoContent;
            });

    /// <param name="kind">default or optional: what a new client gets.</param>
    public static Func<RealmRequest, Answer> Defaults(string kind) => request => Short(request.Realm, Names(request, kind));

    public static Func<RealmRequest, Answer> AddDefault(string kind) => request => With(request, scope =>
            {
                var name = (string)scope["name"]!;
                Names(request, kind == "default" ? "optional" : "default").Remove(name);
                if (!Names(request, kind).Contains(name))
                {
                    Names(request, kind).Add(name);
                }

                return Answer.NoContent;
            });

    public static Func<RealmRequest, Answer> RemoveDefault(string kind) => request => With(request, scope =>
            {
                Names(request, kind).Remove((string)scope["name"]!);
                return Answer.NoContent;
            });

    /// <summary>Scopes by id and name alone.</summary>
    public static Answer Short(ServedRealm realm, IEnumerable<string> names) =>
        AdminRealm.List(
            names
                .Select(realm.FindScope)
                .OfType<JsonObject>()
                .Select(scope => new JsonObject { ["id"] = (string)scope["id"]!, ["name"] = (string)scope["name"]! })
        );

    private static List<string> Names(RealmRequest request, string kind) =>
        kind == "default" ? request.Realm.State.DefaultScopes : request.Realm.State.OptionalScopes;

    private static string? Prefix(RealmRequest request, bool client) =>
        !client ? ""
        : request.Realm.FindClientById(request.Route("client")) is { } found ? found.ClientId + "/"
        : null;

    private static string Container(RealmRequest request, bool client) => client ? request.Route("client") : request.Realm.State.Id;

    private static JsonObject Shown(JsonObject scope)
    {
        var shown = scope.DeepClone().AsObject();
        shown.Remove(ServedRealm.RolesOfScope);
        return shown;
    }

    private static JsonArray Mappers(JsonObject scope) => (scope["protocolMappers"] ??= new JsonArray()).AsArray();

    private static Answer UnknownMapper(JsonNode? mapper) =>
        AdminRealm.Refused($"The embedded realm does not know the mapper '{mapper?["protocolMapper"]}'.");

    private static Answer With(RealmRequest request, Func<JsonObject, Answer> act) =>
        request.Realm.FindScopeById(request.Route("scope")) is { } scope ? act(scope) : AdminRealm.NotFound("client scope");

    private static Answer WithMapper(RealmRequest request, Func<JsonArray, int, Answer> act) => With(request, scope =>
        {
            var mappers = Mappers(scope);
            var index = mappers.ToList().FindIndex(mapper => (string?)mapper!["id"] == request.Route("mapper"));
            return index < 0 ? AdminRealm.NotFound("mapper") : act(mappers, index);
        });
}
