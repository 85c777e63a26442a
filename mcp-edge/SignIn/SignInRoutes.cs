using Platform.Edge.Http;

namespace Platform.Edge.SignIn;

/// <summary>
/// All that the sign-in server has at the public origin: what a person's browser and an OAuth client need. Administration, the master
/// realm, other ways to get a token and other ways to register are not here.
/// </summary>
internal static class SignInRoutes
{
    private static readonly string[] _get = ["GET"];
    private static readonly string[] _form = ["GET", "POST"];

    // What a browser is sent through while a person signs in.
    private static readonly string[] _actions =
    [
        "action-token",
        "authenticate",
        "consent",
        "detached-info",
        "required-action",
        "reset-credentials",
        "restart",
    ];

    public static void AddSignIn(this IServiceCollection services)
    {
        SignInServer.Add(services);
        services.AddHttpForwarder();
        services.AddSingleton<Forwarding>();
        services.AddSingleton<ResourceRule>();
        services.AddSingleton<RefreshGrace>();
        services.AddSingleton<AuthorizationDoor>();
        services.AddSingleton<TokenDoor>();
        services.AddSingleton<RegistrationDoor>();
        services.AddSingleton<ServerMetadata>();
    }

    /// <summary>Maps nothing where people sign in elsewhere, or nowhere.</summary>
    public static void MapSignIn(this IEndpointRouteBuilder routes)
    {
        var server = routes.ServiceProvider.GetRequiredService<SignInServer>();
        if (server.Realm is not { } realm)
        {
            return;
        }

        // Behind the issuer and before its path (RFC 8414, section 3.1); at the root for clients of the revision 2025-03-26.
        var metadata = routes.ServiceProvider.GetRequiredService<ServerMetadata>();
        foreach (var form in (string[])["oauth-authorization-server", "openid-configuration"])
        {
            routes.MapGet($"{realm}/.well-known/{form}", metadata.WriteAsync);
            routes.MapGet($"/.well-known/{form}{realm}", metadata.WriteAsync);
            routes.MapGet($"/.well-known/{form}", metadata.WriteAsync);
        }

        var protocol = $"{realm}/protocol/openid-connect";
        routes.MapMethods($"{protocol}/auth", _get, routes.ServiceProvider.GetRequiredService<AuthorizationDoor>().HandleAsync);
        routes.MapMethods($"{protocol}/token", ["POST"], routes.ServiceProvider.GetRequiredService<TokenDoor>().HandleAsync);
        routes.MapMethods(
            $"{realm}/clients-registrations/openid-connect",
            ["POST", "OPTIONS"],
            routes.ServiceProvider.GetRequiredService<RegistrationDoor>().HandleAsync
        );

        Forward(_get, realm);
        Forward(_get, $"{protocol}/certs");
        Forward(["OPTIONS"], $"{protocol}/token");
        Forward(["POST", "OPTIONS"], $"{protocol}/revoke");
        Forward(["GET", "POST", "OPTIONS"], $"{protocol}/userinfo");
        Forward(_form, $"{protocol}/logout");
        Forward(_form, $"{protocol}/logout/logout-confirm");
        foreach (var action in _actions)
        {
            Forward(_form, $"{realm}/login-actions/{action}");
        }

        // The account console: its pages, its API, and what it asks about the browser's session.
        Forward(["GET", "POST", "PUT", "DELETE"], $"{realm}/account/{{**rest}}");
        Forward(_get, $"{protocol}/login-status-iframe.html/{{**rest}}");
        Forward(_get, $"{protocol}/3p-cookies/{{page}}");
        Forward(_get, "/resources/{**rest}");

        void Forward(string[] methods, string path) => routes.MapMethods(path, methods, server.ForwardAsync);
    }
}
