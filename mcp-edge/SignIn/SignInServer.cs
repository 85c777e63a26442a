using Microsoft.Extensions.Options;
using Platform.Edge.Callers;
using Platform.Edge.Http;
using Platform.Edge.Pages;

namespace Platform.Edge.SignIn;

/// <summary>The server that people sign in at, which is reached through this edge alone.</summary>
internal sealed class SignInServer(
    Forwarding forwarding,
    IHttpClientFactory clients,
    IOptions<McpEndpointOptions> endpoint,
    IOptions<AccessOptions> access
)
{
    private const string Client = "sign-in";

    // What a path can hold that a server behind might read in another way than the routes here have.
    private static readonly string[] _ambiguous = ["..", "//", "%2e", "%2f", "%5c", ";", "\\"];

    /// <summary>The issuer's path at the public origin: <c>/realms/platform</c>; null when sign-in is elsewhere, or nowhere.</summary>
    public string? Realm { get; } = RealmOf(endpoint.Value, access.Value);

    private Uri Inside { get; } = new(access.Value.InternalIssuer is { Length: > 0 } url ? url : "http://nowhere.invalid");

    public static void Add(IServiceCollection services)
    {
        services
            .AddHttpClient(Client, http => http.Timeout = TimeSpan.FromSeconds(15))
            .ConfigurePrimaryHttpMessageHandler(Forwarding.Handler)
            .RemoveAllLoggers();
        services.AddSingleton<SignInServer>();
    }

    /// <summary>Hands the request on as it came.</summary>
    public async Task ForwardAsync(HttpContext http)
    {
        var path = http.Request.Path.ToUriComponent();
        if (_ambiguous.Any(part => path.Contains(part, StringComparison.OrdinalIgnoreCase)))
        {
            http.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        if (!await ForwardedBody.IsReadableAsync(http))
        {
            await OAuthError.WriteAsync(
                http,
                StatusCodes.Status400BadRequest,
                "invalid_request",
                $"The body must be of the type that Content-Type names; a form has at most {ForwardedBody.MaxForm} bytes and whole escapes."
            );
            return;
        }

        if (!await forwarding.SendAsync(http, new Uri(Inside, path)))
        {
            await AwayAsync(http);
        }
    }

    /// <summary>Sends a form to an endpoint of the realm, whether or not the caller still waits.</summary>
    /// <exception cref="HttpRequestException">It does not answer.</exception>
    /// <exception cref="TaskCanceledException">It does not answer in time.</exception>
    public async Task<HttpResponseMessage> PostAsync(HttpContext http, string path, ReadOnlyMemory<byte> form, params string[] headers)
    {
        using var client = clients.CreateClient(Client);
        var request = new HttpRequestMessage(HttpMethod.Post, new Uri($"{Inside.AbsoluteUri.TrimEnd('/')}/{path}"))
        {
            Content = new ReadOnlyMemoryContent(form),
        };
        request.Content.Headers.TryAddWithoutValidation("Content-Type", http.Request.ContentType);
        foreach (var (name, value) in Forwarding.Origin(http, endpoint.Value.PublicUrl!))
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        foreach (var name in headers)
        {
            if (http.Request.Headers.TryGetValue(name, out var values))
            {
                request.Headers.TryAddWithoutValidation(name, values.ToArray());
            }
        }

        return await client.SendAsync(request, CancellationToken.None);
    }

    /// <exception cref="HttpRequestException">It does not answer, or not with a document.</exception>
    /// <exception cref="TaskCanceledException">It does not answer in time.</exception>
    public async Task<string> GetAsync(string path, CancellationToken cancellationToken)
    {
        using var client = clients.CreateClient(Client);
        return await client.GetStringAsync(new Uri($"{Inside.AbsoluteUri.TrimEnd('/')}/{path}"), cancellationToken);
    }

    /// <summary>The answer when the server does not answer: a page for people, JSON for programs.</summary>
    public static Task AwayAsync(HttpContext http)
    {
        const string Text = "The sign-in server does not answer at the moment. Try again in a few seconds.";
        http.Response.Clear();
        http.Response.Headers.RetryAfter = "5";
        return http.Request.Headers.Accept.ToString().Contains("text/html", StringComparison.OrdinalIgnoreCase)
            ? PlainPage.WriteAsync(http, StatusCodes.Status503ServiceUnavailable, "Sign-in is not possible now", $"<p>{Text}</p>")
            : OAuthError.WriteAsync(http, StatusCodes.Status503ServiceUnavailable, "temporarily_unavailable", Text);
    }

    private static string? RealmOf(McpEndpointOptions endpoint, AccessOptions access) =>
        access.InternalIssuer.Length > 0
        && endpoint.Issuer.StartsWith($"{endpoint.Origin}/realms/", StringComparison.Ordinal)
        && new Uri(endpoint.Issuer) is { Query: "", Fragment: "" } issuer
            ? issuer.AbsolutePath.TrimEnd('/')
            : null;
}
