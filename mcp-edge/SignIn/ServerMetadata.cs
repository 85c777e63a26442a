using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Platform.Edge.SignIn;

/// <summary>
/// What the sign-in server says of itself (RFC 8414, OpenID Connect Discovery), as far as it is served at the public origin.
/// </summary>
internal sealed class ServerMetadata(SignInServer server, TimeProvider time)
{
    private static readonly TimeSpan _fresh = TimeSpan.FromMinutes(1);

    private static readonly string[] _kept =
    [
        "issuer",
        "authorization_endpoint",
        "token_endpoint",
        "userinfo_endpoint",
        "end_session_endpoint",
        "jwks_uri",
        "revocation_endpoint",
        "registration_endpoint",
        "scopes_supported",
        "subject_types_supported",
        "id_token_signing_alg_values_supported",
        "claims_supported",
        "prompt_values_supported",
        "acr_values_supported",
        "authorization_response_iss_parameter_supported",
    ];

    private Known? _known;

    public async Task WriteAsync(HttpContext http)
    {
        if (await FindAsync(http.RequestAborted) is not { } document)
        {
            await SignInServer.AwayAsync(http);
            return;
        }

        // Public, and without cookies: any page may read it.
        http.Response.Headers.AccessControlAllowOrigin = "*";
        http.Response.Headers.CacheControl = "public, max-age=60";
        http.Response.ContentType = "application/json";
        http.Response.ContentLength = document.Length;
        await http.Response.Body.WriteAsync(document, http.RequestAborted);
    }

    // While the server is away, what it said before still holds.
    private async Task<byte[]?> FindAsync(CancellationToken cancellationToken)
    {
        if (_known is { } known && time.GetUtcNow() - known.At < _fresh)
        {
            return known.Document;
        }

        try
        {
            var document = Describe(
                JsonNode.Parse(await server.GetAsync(".well-known/openid-configuration", cancellationToken))!.AsObject()
            );
            _known = new Known(time.GetUtcNow(), document);
            return document;
        }
        catch (Exception exception)
            when (exception is HttpRequestException or JsonException or TaskCanceledException && !cancellationToken.IsCancellationRequested)
        {
            return _known?.Document;
        }
    }

    private sealed record Known(DateTimeOffset At, byte[] Document);

    private static byte[] Describe(JsonObject said)
    {
        var document = new JsonObject();
        foreach (var name in _kept)
        {
            if (said[name] is { } value)
            {
                document[name] = value.DeepClone();
            }
        }

        document["response_types_supported"] = new JsonArray("code");
        document["response_modes_supported"] = new JsonArray("query", "fragment", "form_post");
        document["grant_types_supported"] = new JsonArray("authorization_code", "refresh_token");
        document["code_challenge_methods_supported"] = new JsonArray("S256");
        document["token_endpoint_auth_methods_supported"] = new JsonArray("none", "client_secret_basic", "client_secret_post");
        document["revocation_endpoint_auth_methods_supported"] = new JsonArray("none", "client_secret_basic", "client_secret_post");
        document["request_parameter_supported"] = false;
        document["request_uri_parameter_supported"] = false;
        document["claims_parameter_supported"] = false;
        return Encoding.UTF8.GetBytes(document.ToJsonString());
    }
}
