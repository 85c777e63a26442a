using System.Buffers;
using System.Text.Json.Nodes;
using Platform.Identity.EmbeddedRealm.SignIn;
using Platform.Identity.EmbeddedRealm.State;

namespace Platform.Identity.EmbeddedRealm.Admin;

/// <summary>People: their accounts, sessions and consents.</summary>
internal static class AdminUsers
{
    // As the genuine user profile has it.
    private static readonly SearchValues<char> s_notInNames = SearchValues.Create("<>&\"\v$%!#?§;*~/\\|^=[]{}()\0\r\n\t");

    public static Answer List(RealmRequest request)
    {
        var exact = request.Query("exact") == "true";
        var found = request
            .Realm.State.Users.Where(user => user.ServiceAccountClientId is null)
            .Where(user =>
                Matches("username", user.Username)
                && Matches("email", user.Email)
                && (
                    request.Query("search") is not { Length: > 0 } search || Contains(user.Username, search) || Contains(user.Email, search)
                )
            );
        if (int.TryParse(request.Query("first"), out var first))
        {
            found = found.Skip(first);
        }

        return AdminRealm.List(found.Take(int.TryParse(request.Query("max"), out var max) ? max : 100).Select(UserRepresentation.Of));

        bool Matches(string parameter, string? value) =>
            request.Query(parameter) is not { } wanted
            || (exact ? wanted.Equals(value, StringComparison.OrdinalIgnoreCase) : Contains(value, wanted));

        static bool Contains(string? value, string part) => value?.Contains(part, StringComparison.OrdinalIgnoreCase) == true;
    }

    public static Answer Get(RealmRequest request) => With(request, user => Answer.Json(UserRepresentation.Of(user)));

    public static Answer Add(RealmRequest request)
    {
        if (request.Body is not JsonObject wanted || (string?)wanted["username"] is not { Length: > 0 } name)
        {
            return AdminRealm.Refused("User name is missing");
        }

        var user = new User
        {
            Id = RealmImport.NewId(),
            Username = name,
            Created = request.Realm.Now,
            RealmRoles = [$"default-roles-{request.Realm.Name}"],
        };
        var answer = Apply(request, user, wanted);
        if (answer.Status != 204)
        {
            return answer;
        }

        request.Realm.State.Users.Add(user);
        return new Answer(201) { CreatedId = user.Id };
    }

    public static Answer Update(RealmRequest request) =>
        With(request, user =>
            request.Body is JsonObject wanted ? Apply(request, user, wanted) : AdminRealm.Refused("The body is not a JSON object.")
        );

    public static Answer Remove(RealmRequest request) => With(request, user =>
        {
            var state = request.Realm.State;
            state.Users.Remove(user);
            state.Sessions.RemoveAll(session => session.UserId == user.Id);
            state.Grants.RemoveAll(grant => grant.UserId == user.Id);
            return Answer.NoContent;
        });

    /// <summary>Ends every session; what was issued until now is good no longer, offline or not.</summary>
    public static Answer LogOut(RealmRequest request) => With(request, user =>
        {
            user.NotBefore = request.Realm.Now;
            request.Realm.State.Sessions.RemoveAll(session => session.UserId == user.Id);
            request.Realm.State.Grants.RemoveAll(grant => grant.UserId == user.Id);
            return Answer.NoContent;
        });

    public static Answer Consents(RealmRequest request) => With(request, user => AdminRealm.List(
                user.Consents.Select(consent => new JsonObject
                {
                    ["clientId"] = consent.ClientId,
                    ["grantedClientScopes"] = consent.Scopes.ToJson(),
                    ["createdDate"] = consent.Created.ToUnixTimeMilliseconds(),
                    ["lastUpdatedDate"] = consent.Changed.ToUnixTimeMilliseconds(),
                })
            ));

    public static Answer RemoveConsent(RealmRequest request) => With(request, user =>
        {
            var client = request.Route("client");
            var isThere =
                user.Consents.Exists(consent => consent.ClientId == client)
                || request.Realm.State.Grants.Exists(grant => grant.UserId == user.Id && grant.ClientId == client);
            if (!isThere)
            {
                return AdminRealm.NotFound("consent or offline token");
            }

            request.Realm.RemoveConsent(user, client);
            return Answer.NoContent;
        });

    public static Answer Sessions(RealmRequest request) => With(request, user => AdminRealm.List(
                request
                    .Realm.State.Sessions.Where(session => session.UserId == user.Id && request.Realm.FindSession(session.Id) is not null)
                    .Select(session => new JsonObject
                    {
                        ["id"] = session.Id,
                        ["username"] = user.Username,
                        ["userId"] = user.Id,
                        ["ipAddress"] = session.Address,
                        ["start"] = session.Started.ToUnixTimeMilliseconds(),
                        ["lastAccess"] = session.LastUsed.ToUnixTimeMilliseconds(),
                        ["clients"] = new JsonObject(
                            request
                                .Realm.State.Grants.Where(grant => grant.SessionId == session.Id)
                                .Select(grant => grant.ClientId)
                                .Distinct()
                                .Select(request.Realm.FindClient)
                                .OfType<Client>()
                                .Select(client => KeyValuePair.Create(client.Id, (JsonNode?)client.ClientId))
                        ),
                    })
            ));

    public static Answer EndSession(RealmRequest request)
    {
        var id = request.Route("id");
        var offline = request.Query("isOffline") == "true";
        if (
            !request.Realm.State.Sessions.Exists(session => session.Id == id)
            && !request.Realm.State.Grants.Exists(grant => grant.SessionId == id)
        )
        {
            return AdminRealm.NotFound("session");
        }

        if (offline)
        {
            request.Realm.State.Grants.RemoveAll(grant => grant.SessionId == id && grant.IsOffline);
        }
        else
        {
            request.Realm.EndSession(id, offlineToo: false);
        }

        return Answer.NoContent;
    }

    public static Answer ClientRoles(RealmRequest request) => With(request, user =>
        {
            if (request.Realm.FindClientById(request.Route("client")) is not { } client)
            {
                return AdminRealm.NotFound("client");
            }

            var names = user.ClientRoles.GetValueOrDefault(client.ClientId) ?? [];
            return AdminRealm.List(
                request.Realm.State.Roles.Where(role => (string)role["containerId"]! == client.Id && names.Contains((string)role["name"]!))
            );
        });

    public static Answer AddClientRoles(RealmRequest request) => With(request, user =>
        {
            if (request.Realm.FindClientById(request.Route("client")) is not { } client)
            {
                return AdminRealm.NotFound("client");
            }

            var names = (request.Body as JsonArray ?? []).Select(role => (string?)role!["name"] ?? "").ToList();
            if (
                names.Find(name =>
                    !request.Realm.State.Roles.Exists(role => (string)role["containerId"]! == client.Id && (string)role["name"]! == name)
                ) is
                { } unknown
            )
            {
                return AdminRealm.NotFound($"role {unknown}");
            }

            if (!user.ClientRoles.TryGetValue(client.ClientId, out var roles))
            {
                user.ClientRoles[client.ClientId] = roles = [];
            }

            roles.UnionWith(names);
            return Answer.NoContent;
        });

    public static Answer Failures(RealmRequest request) => With(request, user => Answer.Json(
                new JsonObject
                {
                    ["numFailures"] = user.Failures?.Count ?? 0,
                    ["disabled"] = BruteForce.IsLocked(request.Realm, user),
                    ["lastIPFailure"] = user.Failures?.Address ?? "n/a",
                    ["lastFailure"] = user.Failures?.Last.ToUnixTimeMilliseconds() ?? 0,
                    ["failedLoginNotBefore"] = user.Failures?.NotBefore?.ToUnixTimeSeconds() ?? 0,
                }
            ));

    public static Answer ClearFailures(RealmRequest request) => With(request, user =>
        {
            user.Failures = null;
            return Answer.NoContent;
        });

    private static Answer Apply(RealmRequest request, User user, JsonObject wanted)
    {
        var users = request.Realm.State.Users;
        if (Taken("username", other => other.Username))
        {
            return AdminRealm.Conflict("User exists with same username");
        }

        if (!request.Realm.IsOn("duplicateEmailsAllowed") && Taken("email", other => other.Email))
        {
            return AdminRealm.Conflict("User exists with same email");
        }

        foreach (var field in (string[])["firstName", "lastName"])
        {
            if (((string?)wanted[field])?.AsSpan().IndexOfAny(s_notInNames) >= 0)
            {
                return Answer.Json(
                    new JsonObject
                    {
                        ["field"] = field,
                        ["errorMessage"] = "error-person-name-invalid-character",
                        ["params"] = new JsonArray(field),
                    },
                    400
                );
            }
        }
        try
        {
            UserRepresentation.Apply(user, wanted, (string?)request.Realm.State.Settings["passwordPolicy"]);
            return Answer.NoContent;
        }
        catch (PasswordRefusedException exception)
        {
            return Answer.Error(400, exception.Error, exception.Message);
        }

        bool Taken(string name, Func<User, string?> value) =>
            (string?)wanted[name] is { Length: > 0 } wish
            && users.Exists(other => other != user && wish.Equals(value(other), StringComparison.OrdinalIgnoreCase));
    }

    private static Answer With(RealmRequest request, Func<User, Answer> act) =>
        request.Realm.FindUser(request.Route("user")) is { } user ? act(user) : AdminRealm.NotFound("user");
}
