using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Platform.Identity.EmbeddedRealm.Admin;
using Platform.Identity.EmbeddedRealm.OAuth;
using Platform.Identity.EmbeddedRealm.State;

namespace Platform.Identity.EmbeddedRealm;

/// <summary>All addresses that the server answers at.</summary>
internal static class Routes
{
    public static void MapProtocol(this IEndpointRouteBuilder routes, RealmStore store)
    {
        const string Realm = "/realms/{realm}";
        const string Protocol = Realm + "/protocol/openid-connect";

        // Behind the issuer, and before its path (RFC 8414, section 3.1).
        foreach (var form in (string[])["openid-configuration", "oauth-authorization-server"])
        {
            Public($"{Realm}/.well-known/{form}", Discovery.Metadata);
            Public($"/.well-known/{form}{Realm}", Discovery.Metadata);
        }
        Public($"{Protocol}/certs", Discovery.Keys);
        Public(Realm, Discovery.About);

        Map("GET", $"{Protocol}/auth", Authorization.Begin);
        Map("POST", $"{Protocol}/auth", Authorization.Begin);
        Map("POST", $"{Realm}/login-actions/authenticate", Authorization.SignIn);
        Map("POST", $"{Realm}/login-actions/consent", Authorization.Consent);
        Map("POST", $"{Protocol}/token", TokenEndpoint.Issue);
        Map("POST", $"{Protocol}/revoke", Revocation.Revoke);
        Map("GET", $"{Protocol}/logout", Logout.End);
        Map("POST", $"{Protocol}/logout", Logout.End);
        Map("GET", $"{Protocol}/userinfo", UserInfo.Tell);
        Map("POST", $"{Protocol}/userinfo", UserInfo.Tell);
        Map("GET", $"{Realm}/account/{{**rest}}", request =>
            ValueTask.FromResult(Pages.Message(request.Realm, "No account console", "The embedded realm has none; a genuine Keycloak has."))
        );
        foreach (var path in (string[])["token", "revoke", "logout", "userinfo"])
        {
            routes.MapMethods($"{Protocol}/{path}", ["OPTIONS"], Cors.Preflight);
        }

        void Map(string method, string path, Func<RealmRequest, ValueTask<Answer>> handle) =>
            routes.MapMethods(path, [method], RealmRequest.Serve(handle, store));

        void Public(string path, Func<RealmRequest, ValueTask<Answer>> handle)
        {
            Map("GET", path, request =>
            {
                Cors.Allow(request.Http, "*");
                return handle(request);
            });
            routes.MapMethods(path, ["OPTIONS"], Cors.Preflight);
        }
    }

    public static void MapAdministration(this IEndpointRouteBuilder routes, RealmStore store, Bootstrap bootstrap)
    {
        var calls = new AdminCalls(bootstrap);
        routes.MapPost("/realms/master/protocol/openid-connect/token", bootstrap.SignInAsync);
        routes.MapPost("/admin/realms", http => AdminRealm.CreateAsync(http, store, bootstrap));

        Map("realm", "REALM", "GET", "", AdminRealm.Get);
        Map("realm", "REALM", "PUT", "", AdminRealm.Update);
        Map("realm", "COMPONENT", "GET", "components", AdminRealm.Components);
        Map("realm", "COMPONENT", "POST", "components", AdminRealm.AddComponent);
        Map("realm", "COMPONENT", "PUT", "components/{id}", AdminRealm.UpdateComponent);
        Map("realm", "COMPONENT", "DELETE", "components/{id}", AdminRealm.RemoveComponent);
        Map("realm", "REALM", "GET", "keys", AdminRealm.Keys);
        Map("realm", "REALM", "GET", "client-policies/profiles", AdminRealm.Profiles);
        Map("realm", "REALM", "PUT", "client-policies/profiles", AdminRealm.SetProfiles);
        Map("realm", "REALM", "GET", "client-policies/policies", AdminRealm.Policies);
        Map("realm", "REALM", "PUT", "client-policies/policies", AdminRealm.SetPolicies);
        Map("events", "REALM", "GET", "events", AdminRealm.Events);
        Map("events", "REALM", "GET", "admin-events", AdminRealm.AdminEvents);

        Map("realm", "REALM_ROLE", "GET", "roles", AdminClients.RealmRoles);
        Map("clients", "CLIENT", "GET", "clients", AdminClients.List);
        Map("clients", "CLIENT", "POST", "clients", AdminClients.Add);
        Map("clients", "CLIENT", "GET", "clients/{id}", AdminClients.Get);
        Map("clients", "CLIENT", "PUT", "clients/{id}", AdminClients.Update);
        Map("clients", "CLIENT", "DELETE", "clients/{id}", AdminClients.Remove);
        Map("clients", "CLIENT", "GET", "clients/{id}/client-secret", AdminClients.Secret);
        Map("clients", "CLIENT", "GET", "clients/{id}/service-account-user", AdminClients.ServiceAccount);
        Map("clients", "CLIENT_ROLE", "GET", "clients/{id}/roles", AdminClients.Roles);

        Map("clients", "CLIENT_SCOPE", "GET", "client-scopes", AdminScopes.List);
        Map("clients", "CLIENT_SCOPE", "POST", "client-scopes", AdminScopes.Add);
        Map("clients", "CLIENT_SCOPE", "GET", "client-scopes/{scope}", AdminScopes.Get);
        Map("clients", "CLIENT_SCOPE", "PUT", "client-scopes/{scope}", AdminScopes.Update);
        Map("clients", "PROTOCOL_MAPPER", "POST", "client-scopes/{scope}/protocol-mappers/models", AdminScopes.AddMapper);
        Map("clients", "PROTOCOL_MAPPER", "PUT", "client-scopes/{scope}/protocol-mappers/models/{mapper}", AdminScopes.UpdateMapper);
        Map("clients", "PROTOCOL_MAPPER", "DELETE", "client-scopes/{scope}/protocol-mappers/models/{mapper}", AdminScopes.RemoveMapper);
        Map("clients", "REALM_SCOPE_MAPPING", "GET", "client-scopes/{scope}/scope-mappings/realm", AdminScopes.RolesOf(client: false));
        Map("clients", "REALM_SCOPE_MAPPING", "POST", "client-scopes/{scope}/scope-mappings/realm", AdminScopes.AddRoles(client: false));
        Map(
            "clients",
            "CLIENT_SCOPE_MAPPING",
            "GET",
            "client-scopes/{scope}/scope-mappings/clients/{client}",
            AdminScopes.RolesOf(client: true)
        );
        Map(
            "clients",
            "CLIENT_SCOPE_MAPPING",
            "POST",
            "client-scopes/{scope}/scope-mappings/clients/{client}",
            AdminScopes.AddRoles(client: true)
        );
        foreach (var kind in (string[])["default", "optional"])
        {
            Map("clients", "CLIENT_SCOPE", "GET", $"default-{kind}-client-scopes", AdminScopes.Defaults(kind));
            Map("clients", "CLIENT_SCOPE", "PUT", $"default-{kind}-client-scopes/{{scope}}", AdminScopes.AddDefault(kind));
            Map("clients", "CLIENT_SCOPE", "DELETE", $"default-{kind}-client-scopes/{{scope}}", AdminScopes.RemoveDefault(kind));
            Map("clients", "CLIENT", "GET", $"clients/{{id}}/{kind}-client-scopes", AdminClients.Scopes(kind));
            Map("clients", "CLIENT", "PUT", $"clients/{{id}}/{kind}-client-scopes/{{scope}}", AdminClients.AddScope(kind));
            Map("clients", "CLIENT", "DELETE", $"clients/{{id}}/{kind}-client-scopes/{{scope}}", AdminClients.RemoveScope(kind));
        }

        Map("users", "USER", "GET", "users", AdminUsers.List);
        Map("users", "USER", "POST", "users", AdminUsers.Add);
        // People cannot change anything about themselves here, so there is no profile to keep.
        Map("users", "USER", "GET", "users/profile", _ => AdminRealm.NotFound("profile"));
        Map("users", "USER", "GET", "users/{user}", AdminUsers.Get);
        Map("users", "USER", "PUT", "users/{user}", AdminUsers.Update);
        Map("users", "USER", "DELETE", "users/{user}", AdminUsers.Remove);
        Map("users", "USER", "POST", "users/{user}/logout", AdminUsers.LogOut);
        Map("users", "USER", "GET", "users/{user}/consents", AdminUsers.Consents);
        Map("users", "USER", "DELETE", "users/{user}/consents/{client}", AdminUsers.RemoveConsent);
        Map("users", "USER_SESSION", "GET", "users/{user}/sessions", AdminUsers.Sessions);
        Map("users", "USER_SESSION", "DELETE", "sessions/{id}", AdminUsers.EndSession);
        Map("users", "CLIENT_ROLE_MAPPING", "GET", "users/{user}/role-mappings/clients/{client}", AdminUsers.ClientRoles);
        Map("users", "CLIENT_ROLE_MAPPING", "POST", "users/{user}/role-mappings/clients/{client}", AdminUsers.AddClientRoles);
        Map("users", "USER_LOGIN_FAILURE", "GET", "attack-detection/brute-force/users/{user}", AdminUsers.Failures);
        Map("users", "USER_LOGIN_FAILURE", "DELETE", "attack-detection/brute-force/users/{user}", AdminUsers.ClearFailures);

        // Not 404: a caller would take that for "there is none".
        routes.MapFallback("/admin/{**rest}", http =>
            Answer
                .Error(
                    501,
                    "not_implemented",
                    $"The embedded realm has no {http.Request.Method} {http.Request.Path}; a genuine Keycloak may have."
                )
                .WriteAsync(http)
        );

        void Map(string area, string resourceType, string method, string path, Func<RealmRequest, Answer> handle) =>
            routes.MapMethods(
                $"/admin/realms/{{realm}}/{path}".TrimEnd('/'),
                [method],
                RealmRequest.Serve(calls.Guard(area, resourceType, handle), store)
            );
    }
}
