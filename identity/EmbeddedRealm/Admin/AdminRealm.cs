using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Platform.Identity.EmbeddedRealm.SignIn;
using Platform.Identity.EmbeddedRealm.State;
using Platform.Identity.EmbeddedRealm.Tokens;

namespace Platform.Identity.EmbeddedRealm.Admin;

/// <summary>The realm's own settings, its policies, keys and events.</summary>
internal static class AdminRealm
{
    private const string RegistrationPolicy = "org.keycloak.services.clientregistration.policy.ClientRegistrationPolicy";

    /// <summary>Makes a realm from a file; the bootstrap administrator alone may.</summary>
    public static async Task CreateAsync(HttpContext http, RealmStore store, Bootstrap bootstrap)
    {
        if (Bootstrap.TokenOf(http) is not { } token || !await bootstrap.IsAsync(token))
        {
            await Answer.Error(403, "HTTP 403 Forbidden").WriteAsync(http);
            return;
        }
        try
        {
            var file = await JsonNode.ParseAsync(http.Request.Body, cancellationToken: http.RequestAborted) as JsonObject;
            var created = (string?)file?["realm"] is null ? null : await store.CreateAsync(file!, http.RequestAborted);
            await (created is null ? Conflict("Realm already exists, or has no name") : new Answer(201)).WriteAsync(http);
        }
        catch (Exception exception) when (exception is RealmStartException or System.Text.Json.JsonException)
        {
            await Refused(exception.Message).WriteAsync(http);
        }
    }

    public static Answer Conflict(string message) => Answer.Json(new JsonObject { ["errorMessage"] = message }, 409);

    public static Answer Refused(string message) => Answer.Json(new JsonObject { ["errorMessage"] = message }, 400);

    public static Answer NotFound(string what) => Answer.Error(404, $"Could not find {what}");

    public static Answer List(IEnumerable<JsonNode> items) => Answer.Json(new JsonArray([.. items.Select(item => item.DeepClone())]));

    public static Answer Get(RealmRequest request)
    {
        var settings = request.Realm.State.Settings.DeepClone().AsObject();
        settings["id"] = request.Realm.State.Id;
        return Answer.Json(settings);
    }

    public static Answer Update(RealmRequest request)
    {
        if (request.Body is not JsonObject wanted)
        {
            return Refused("The body is not a JSON object.");
        }

        try
        {
            PasswordRules.Check((string?)wanted["passwordPolicy"]);
        }
        catch (RealmStartException exception)
        {
            return Refused(exception.Message);
        }
        foreach (var (setting, value) in wanted)
        {
            if (setting is not ("id" or "realm"))
            {
                request.Realm.State.Settings[setting] = value?.DeepClone();
            }
        }
        return Answer.NoContent;
    }

    public static Answer Components(RealmRequest request) =>
        List(
            request.Realm.State.Components.Where(component =>
                request.Query("type") is not { } type || (string?)component["providerType"] == type
            )
        );

    /// <summary>A registration policy, or a new signing key.</summary>
    public static Answer AddComponent(RealmRequest request)
    {
        if (request.Body?.DeepClone() is not JsonObject component)
        {
            return Refused("The body is not a JSON object.");
        }

        var id = RealmImport.NewId();
        switch ((string?)component["providerType"])
        {
            case SigningKeys.ProviderType when (string?)component["providerId"] == "rsa-generated":
                var priority = int.TryParse(component["config"]?["priority"].Texts().FirstOrDefault(), out var value) ? value : 0;
                request.Realm.State.Keys.Add(SigningKeys.Create(id, priority, request.Realm.Now));
                break;
            case RegistrationPolicy:
                break;
            default:
                return Refused(
                    $"The embedded realm has no component '{component["providerId"]}' of the type '{component["providerType"]}'."
                );
        }
        component["id"] = id;
        request.Realm.State.Components.Add(component);
        return new Answer(201) { CreatedId = id };
    }

    public static Answer UpdateComponent(RealmRequest request)
    {
        var components = request.Realm.State.Components;
        var index = components.FindIndex(component => (string)component["id"]! == request.Route("id"));
        if (index < 0)
        {
            return NotFound("component");
        }

        if (request.Body?.DeepClone() is not JsonObject wanted)
        {
            return Refused("The body is not a JSON object.");
        }

        foreach (var (name, value) in wanted)
        {
            components[index][name] = value?.DeepClone();
        }

        components[index]["id"] = request.Route("id");
        return Answer.NoContent;
    }

    /// <summary>With a key's component the key goes, and with it every access token that it signed.</summary>
    public static Answer RemoveComponent(RealmRequest request)
    {
        var state = request.Realm.State;
        if (state.Keys.Exists(key => key.ComponentId == request.Route("id")) && state.Keys.Count == 1)
        {
            return Refused("It is the realm's only key.");
        }

        state.Keys.RemoveAll(key => key.ComponentId == request.Route("id"));
        return state.Components.RemoveAll(component => (string)component["id"]! == request.Route("id")) > 0
            ? Answer.NoContent
            : NotFound("component");
    }

    public static Answer Keys(RealmRequest request) =>
        Answer.Json(
            new JsonObject
            {
                ["active"] = new JsonObject { ["RS256"] = SigningKeys.Active(request.Realm.State).Id },
                ["keys"] = new JsonArray([
                    .. request
                        .Realm.State.Keys.OrderByDescending(key => key.Priority)
                        .Select(key => new JsonObject
                        {
                            ["kid"] = key.Id,
                            ["providerId"] = key.ComponentId,
                            ["providerPriority"] = key.Priority,
                            ["algorithm"] = "RS256",
                            ["type"] = "RSA",
                            ["use"] = "SIG",
                            ["status"] = "ACTIVE",
                        }),
                ]),
            }
        );

    public static Answer Profiles(RealmRequest request) =>
        Answer.Json(new JsonObject { ["profiles"] = request.Realm.State.ClientProfiles.DeepClone() });

    public static Answer Policies(RealmRequest request) =>
        Answer.Json(new JsonObject { ["policies"] = request.Realm.State.ClientPolicies.DeepClone() });

    public static Answer SetProfiles(RealmRequest request)
    {
        if (request.Body?["profiles"] is not JsonArray profiles)
        {
            return Refused("profiles is missing.");
        }

        request.Realm.State.ClientProfiles = profiles.DeepClone().AsArray();
        return Answer.NoContent;
    }

    public static Answer SetPolicies(RealmRequest request)
    {
        if (request.Body?["policies"] is not JsonArray policies)
        {
            return Refused("policies is missing.");
        }

        request.Realm.State.ClientPolicies = policies.DeepClone().AsArray();
        return Answer.NoContent;
    }

    public static Answer Events(RealmRequest request) =>
        Page(request, request.Realm.State.Events, ("type", "type"), ("client", "clientId"), ("user", "userId"));

    public static Answer AdminEvents(RealmRequest request) =>
        Page(request, request.Realm.State.AdminEvents, ("operationTypes", "operationType"), ("resourceTypes", "resourceType"));

    /// <summary>Newest first, unless asked otherwise; 100 when no number is asked for.</summary>
    private static Answer Page(RealmRequest request, List<JsonObject> events, params (string Parameter, string Member)[] filters)
    {
        var found = events
            .Where(happened => Time(request.Query("dateFrom"), false) is not { } from || (long)happened["time"]! >= from)
            .Where(happened => Time(request.Query("dateTo"), true) is not { } to || (long)happened["time"]! <= to);
        foreach (var (parameter, member) in filters)
        {
            if (request.Http.Request.Query[parameter] is { Count: > 0 } wanted)
            {
                found = found.Where(happened => wanted.Contains((string?)happened[member]));
            }
        }
        if (request.Query("direction") != "asc")
        {
            found = found.Reverse();
        }

        return List(found.Skip(Number("first", 0)).Take(Number("max", 100)));

        int Number(string name, int otherwise) => int.TryParse(request.Query(name), out var value) ? value : otherwise;

        static long? Time(string? text, bool end) =>
            text switch
            {
                null => null,
                _ when long.TryParse(text, out var milliseconds) => milliseconds,
                _ when DateOnly.TryParse(text, out var date) => new DateTimeOffset(
                    (end ? date.AddDays(1) : date).ToDateTime(TimeOnly.MinValue),
                    TimeSpan.Zero
                ).ToUnixTimeMilliseconds(),
                _ => null,
            };
    }
}
