using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Options;
using Platform.ServiceDefaults.Telemetry;

namespace Platform.Identity.Service.Keycloak;

/// <summary>Keycloak cannot be reached, or refuses what this service needs. The message says what to do about it.</summary>
internal sealed class KeycloakUnavailableException(string message, Exception? inner = null) : ForeseenException(message, inner);

/// <summary>
/// The admin API of the realm (https://www.keycloak.org/docs-api/latest/rest-api). Signs in with the service account, or, while the realm
/// does not know its secret yet, as the bootstrap administrator.
/// </summary>
/// <remarks>
/// While people use the platform, beside what the reconciler needs: <c>GET events</c>, <c>GET admin-events</c>, <c>GET
/// clients?clientId=</c>
/// (with <c>name</c>), <c>GET users?email=</c> and <c>?username=</c>, <c>POST users</c>, <c>GET users/{id}</c>, <c>GET</c> and <c>DELETE
/// users/{id}/consents[/{client}]</c> (which ends the client's sessions
/// of that user as well), <c>GET users/{id}/sessions</c>, <c>DELETE sessions/{id}</c>.
/// </remarks>
internal sealed class KeycloakAdmin(HttpClient http, IOptions<KeycloakOptions> options, TimeProvider time) : IDisposable
{
    private readonly KeycloakOptions _options = options.Value;
    private readonly SemaphoreSlim _signingIn = new(1, 1);
    private string? _token;
    private DateTimeOffset _tokenEnds;

    /// <summary>True while the bootstrap administrator's session is in use.</summary>
    public bool IsBootstrap { get; private set; }

    /// <summary>The answer, or null for 404. Paths begin below the realm: <c>clients?clientId=x</c>; empty for the realm itself.</summary>
    public async Task<JsonNode?> GetAsync(string path, CancellationToken cancellationToken)
    {
        using var response = await SendAsync(HttpMethod.Get, path, null, cancellationToken);
        if (response.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }

        await ThrowUnlessSuccessAsync(response, HttpMethod.Get, path, cancellationToken);
        return await response.Content.ReadFromJsonAsync<JsonNode>(cancellationToken);
    }

    public async Task<JsonArray> ListAsync(string path, CancellationToken cancellationToken) =>
        await GetAsync(path, cancellationToken) as JsonArray ?? [];

    public async Task PutAsync(string path, JsonNode body, CancellationToken cancellationToken) =>
        await ChangeAsync(HttpMethod.Put, path, body, cancellationToken);

    /// <summary>Assigns what the path names. That somebody else assigned it at the same moment is as good.</summary>
    public async Task AssignAsync(string path, CancellationToken cancellationToken)
    {
        using var response = await SendAsync(HttpMethod.Put, path, null, cancellationToken);
        if (response.StatusCode != HttpStatusCode.Conflict)
        {
            await ThrowUnlessSuccessAsync(response, HttpMethod.Put, path, cancellationToken);
        }
    }

    public async Task DeleteAsync(string path, CancellationToken cancellationToken) =>
        await ChangeAsync(HttpMethod.Delete, path, null, cancellationToken);

    /// <summary>The id of what was made, when Keycloak tells it.</summary>
    public async Task<string?> PostAsync(string path, JsonNode? body, CancellationToken cancellationToken) =>
        await ChangeAsync(HttpMethod.Post, path, body, cancellationToken);

    /// <summary>The answer of the realm to a change that it may refuse. Null for a body that is not JSON.</summary>
    public async Task<(HttpStatusCode Status, JsonNode? Body)> TryPostAsync(string path, JsonNode body, CancellationToken cancellationToken)
    {
        using var response = await SendAsync(HttpMethod.Post, path, body, cancellationToken);
        var json = response.Content.Headers.ContentType?.MediaType == "application/json" && response.Content.Headers.ContentLength != 0;
        return (response.StatusCode, json ? await response.Content.ReadFromJsonAsync<JsonNode>(cancellationToken) : null);
    }

    /// <summary>Makes the realm from its file. Needs the bootstrap administrator.</summary>
    public async Task CreateRealmAsync(JsonObject realm, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri($"{_options.Url.TrimEnd('/')}/admin/realms"))
        {
            Content = JsonContent.Create(realm),
        };
        using var response = await SendAsync(request, cancellationToken);
        await ThrowUnlessSuccessAsync(response, HttpMethod.Post, "/admin/realms", cancellationToken);
        Forget(); // The administrator's token was issued before the realm existed, and holds no role in it.
    }

    /// <summary>The next call signs in anew.</summary>
    public void Forget() => _token = null;

    public void Dispose() => _signingIn.Dispose();

    private async Task<string?> ChangeAsync(HttpMethod method, string path, JsonNode? body, CancellationToken cancellationToken)
    {
        using var response = await SendAsync(method, path, body, cancellationToken);
        if (method == HttpMethod.Delete && response.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }

        await ThrowUnlessSuccessAsync(response, method, path, cancellationToken);
        return response.Headers.Location?.Segments[^1];
    }

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, JsonNode? body, CancellationToken cancellationToken)
    {
        if (!_options.IsConfigured)
        {
            throw new KeycloakUnavailableException("There is no Keycloak.");
        }

        var separator = path.Length > 0 ? "/" : "";
        using var request = new HttpRequestMessage(
            method,
            new Uri($"{_options.Url.TrimEnd('/')}/admin/realms/{_options.Realm}{separator}{path}")
        );
        if (body is not null)
        {
            request.Content = JsonContent.Create(body);
        }

        return await SendAsync(request, cancellationToken);
    }

    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        try
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", await TokenAsync(cancellationToken));
            var response = await http.SendAsync(request, cancellationToken);
            if (response.StatusCode == HttpStatusCode.Unauthorized)
            {
                Forget();
            }

            return response;
        }
        catch (Exception exception)
            when (exception is HttpRequestException or TaskCanceledException && !cancellationToken.IsCancellationRequested)
        {
            throw new KeycloakUnavailableException("Keycloak does not answer.", exception);
        }
    }

    private async Task<string> TokenAsync(CancellationToken cancellationToken)
    {
        if (_token is { } current && time.GetUtcNow() < _tokenEnds)
        {
            return current;
        }

        await _signingIn.WaitAsync(cancellationToken);
        try
        {
            if (_token is { } renewed && time.GetUtcNow() < _tokenEnds)
            {
                return renewed;
            }

            IsBootstrap = false;
            return _token = await SignInAsync(
                _options.Realm,
                _options.ClientSecret.Length > 0,
                new()
                {
                    ["grant_type"] = "client_credentials",
                    ["client_id"] = _options.ClientId,
                    ["client_secret"] = _options.ClientSecret,
                },
                cancellationToken
            )
                ?? await SignInAsBootstrapAsync(cancellationToken)
                ?? throw new KeycloakUnavailableException(
                    $"Keycloak refuses the service account {_options.ClientId}. "
                        + "Set Keycloak:ClientSecret, or Keycloak:AdminUsername and AdminPassword once."
                );
        }
        finally
        {
            _signingIn.Release();
        }
    }

    private async Task<string?> SignInAsBootstrapAsync(CancellationToken cancellationToken)
    {
        var token = await SignInAsync(
            "master",
            _options.AdminPassword.Length > 0,
            new()
            {
                ["grant_type"] = "password",
                ["client_id"] = "admin-cli",
                ["username"] = _options.AdminUsername,
                ["password"] = _options.AdminPassword,
            },
            cancellationToken
        );
        IsBootstrap = token is not null;
        return token;
    }

    private async Task<string?> SignInAsync(
        string realm,
        bool isConfigured,
        Dictionary<string, string> form,
        CancellationToken cancellationToken
    )
    {
        if (!isConfigured)
        {
            return null;
        }

        using var content = new FormUrlEncodedContent(form);
        using var response = await http.PostAsync(
            new Uri($"{_options.Url.TrimEnd('/')}/realms/{realm}/protocol/openid-connect/token"),
            content,
            cancellationToken
        );
        if (!response.IsSuccessStatusCode)
        {
            return null;
        }

        var answer = await response.Content.ReadFromJsonAsync<JsonNode>(cancellationToken);
        _tokenEnds = time.GetUtcNow() + TimeSpan.FromSeconds((int)answer!["expires_in"]! * 0.7);
        return (string)answer["access_token"]!;
    }

    private static async Task ThrowUnlessSuccessAsync(
        HttpResponseMessage response,
        HttpMethod method,
        string path,
        CancellationToken cancellationToken
    )
    {
        if (!response.IsSuccessStatusCode)
        {
            var text = await response.Content.ReadAsStringAsync(cancellationToken);
            // A query can hold somebody's address, and this goes into logs.
            var place = path.Split('?')[0];
            throw new KeycloakUnavailableException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"Keycloak answered {(int)response.StatusCode} to {method} {place}: {text[..Math.Min(text.Length, 300)]}"
                )
            );
        }
    }
}
