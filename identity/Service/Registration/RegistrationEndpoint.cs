using System.Text.Json.Nodes;
using Platform.Identity.Contracts;
using Platform.Identity.Service.Realm;
using Platform.ServiceDefaults;

namespace Platform.Identity.Service.Registration;

/// <summary>
/// Where a client registers itself before anybody signs in (RFC 7591). Anybody may, so what can be registered is little: the code flow with
/// PKCE and consent, answered where <see cref="RedirectRules"/> says. A registration is never changed; a client that needs another one
/// registers again.
/// </summary>
internal static partial class RegistrationEndpoint
{
    private const string Log = "Platform.Identity.Registration";
    private const int MaxDepth = 8;

    public static void AddRegistration(this IServiceCollection services)
    {
        services.AddSingleton<RedirectRules>();
        services.AddSingleton<RegisteredClients>();
        services.AddSingleton<IRealmFollower>(provider => provider.GetRequiredService<RegisteredClients>());
    }

    public static void MapRegistration(this WebApplication app)
    {
        var log = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger(Log);
        var file = app.Services.GetRequiredService<RealmFile>();
        var scopes = file.OptionalScopes.Append("openid").ToHashSet(StringComparer.Ordinal);
        app.MapPost(ClientRegistration.Path, (HttpContext http, RegisteredClients clients, RedirectRules redirects) =>
        {
            AllowOrigin(http, redirects);
            return AnswerAsync(http, log, () => RegisterAsync(http, clients, redirects, scopes));
        });
        app.MapMethods(ClientRegistration.Path, ["OPTIONS"], (HttpContext http, RedirectRules redirects) =>
        {
            AllowOrigin(http, redirects);
            return Results.NoContent();
        });
    }

    private static async Task<JsonObject> RegisterAsync(
        HttpContext http,
        RegisteredClients clients,
        RedirectRules redirects,
        HashSet<string> scopes
    )
    {
        using var body = (
            await http.Request.ReadBodyAsync(ClientRegistration.MaxBody) is { } bytes ? StrictJson.Parse(bytes, MaxDepth) : null
        )
            ?? throw new RegistrationRefusedException(
                "invalid_client_metadata",
                $"The body must be JSON of at most {ClientRegistration.MaxBody} bytes, without repeated members."
            );
        var metadata = ClientMetadata.Read(body.RootElement, redirects, scopes);
        var client = await clients.AddAsync(metadata, http.RequestAborted);
        return metadata.Describe(client.ClientId, client.Secret, client.RegisteredAt);
    }

    private static void AllowOrigin(HttpContext http, RedirectRules redirects)
    {
        http.Response.Headers.Vary = "Origin";
        if (http.Request.Headers.Origin is [{ } origin] && redirects.IsOriginKnown(origin))
        {
            http.Response.Headers.AccessControlAllowOrigin = origin;
            http.Response.Headers.AccessControlAllowMethods = "POST";
            http.Response.Headers.AccessControlAllowHeaders = "Accept, Content-Type, MCP-Protocol-Version";
            http.Response.Headers.AccessControlMaxAge = "3600";
        }
    }

    private static async Task AnswerAsync(HttpContext http, ILogger log, Func<Task<JsonObject>> register)
    {
        var (status, answer) = (StatusCodes.Status201Created, (JsonObject?)null);
        try
        {
            answer = await register();
        }
        catch (RegistrationRefusedException refused)
        {
            (status, answer) = (StatusCodes.Status400BadRequest, Error(refused.Error, refused.Message));
            LogRefused(log, refused.Message);
        }
        catch (Exception exception) when (!http.RequestAborted.IsCancellationRequested)
        {
            (status, answer) = (
                StatusCodes.Status503ServiceUnavailable,
                Error("temporarily_unavailable", "Clients cannot be registered at the moment. Try again in a few seconds.")
            );
            http.Response.Headers.RetryAfter = "2";
            LogFailed(log, exception);
        }

        http.Response.StatusCode = status;
        http.Response.Headers.CacheControl = "no-store";
        await http.Response.WriteAsJsonAsync(answer, http.RequestAborted);
    }

    private static JsonObject Error(string error, string description) => new() { ["error"] = error, ["error_description"] = description };

    [LoggerMessage(4113, LogLevel.Information, "A registration was refused: {Problem}")]
    private static partial void LogRefused(ILogger log, string problem);

    [LoggerMessage(4114, LogLevel.Error, "A client could not be registered")]
    private static partial void LogFailed(ILogger log, Exception exception);
}
