using System.Collections.Concurrent;
using System.Net;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Platform.Edge.Tests.Fixture;

namespace Platform.Edge.Tests.SignIn;

/// <summary>What stands behind the public origin's sign-in: tells what it was asked, and gives tokens.</summary>
public sealed class FakeSignInServer : IAsyncDisposable
{
    public const string Issuer = "https://mcp.example.test/realms/platform";

    private readonly WebApplication _app;

    private FakeSignInServer(WebApplication app) => _app = app;

    public string Url => _app.Urls.Single();

    /// <summary>All requests: method, path with query.</summary>
    public ConcurrentQueue<string> Requests { get; } = new();

    /// <summary>The headers of the last request.</summary>
    public IHeaderDictionary Headers { get; private set; } = new HeaderDictionary();

    /// <summary>The forms that the token endpoint got.</summary>
    public ConcurrentQueue<string> Exchanges { get; } = new();

    /// <summary>Completed when a token may be answered.</summary>
    public TaskCompletionSource Gate { get; set; } = new();

    public int TokenStatus { get; set; } = 200;

    public static async Task<FakeSignInServer> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var app = builder.Build();
        var server = new FakeSignInServer(app);
        server.Gate.SetResult();
        app.MapPost("/realms/platform/protocol/openid-connect/token", server.ExchangeAsync);
        app.MapGet("/realms/platform/.well-known/openid-configuration", () => Results.Text(
                new JsonObject
                {
                    ["issuer"] = Issuer,
                    ["token_endpoint"] = $"{Issuer}/protocol/openid-connect/token",
                    ["device_authorization_endpoint"] = $"{Issuer}/protocol/openid-connect/auth/device",
                    ["pushed_authorization_request_endpoint"] = $"{Issuer}/par",
                    ["grant_types_supported"] = new JsonArray("password", "client_credentials"),
                    ["code_challenge_methods_supported"] = new JsonArray("plain", "S256"),
                }.ToJsonString(),
                "application/json"
            ));
        app.MapFallback("{**path}", async http =>
        {
            server.Requests.Enqueue($"{http.Request.Method} {http.Request.Path.ToUriComponent()}{http.Request.QueryString}");
            server.Headers = new HeaderDictionary(http.Request.Headers.ToDictionary());
            http.Response.Headers.Server = "inside";
            http.Response.Headers.SetCookie = "SESSION=1; Path=/realms/platform/; Secure";
            http.Response.StatusCode = 218;
            await http.Request.Body.CopyToAsync(http.Response.Body);
        });
        await app.StartAsync();
        return server;
    }

    /// <summary>An edge that is the public origin of this server.</summary>
    internal Task<EdgeFixture> StartEdgeAsync(TimeProvider? time = null, params (string Key, string Value)[] settings) =>
        EdgeFixture.StartAsync(
            time: time,
            settings:
            [
                ("Edge:Issuer", Issuer),
                ("Edge:Access:InternalIssuer", $"{Url}/realms/platform"),
                ("services:identity:http:0", Url),
                .. settings,
            ]
        );

    private async Task ExchangeAsync(HttpContext http)
    {
        using var reader = new StreamReader(http.Request.Body);
        Exchanges.Enqueue(await reader.ReadToEndAsync());
        Headers = new HeaderDictionary(http.Request.Headers.ToDictionary());
        await Gate.Task;
        http.Response.StatusCode = TokenStatus;
        http.Response.Headers.CacheControl = "no-store";
        await http.Response.WriteAsJsonAsync(new { access_token = $"secret-{Guid.NewGuid():N}", expires_in = 900 });
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }
}
