using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Platform.Identity.EmbeddedRealm.State;

namespace Platform.Identity.EmbeddedRealm;

/// <summary>A request to a realm, read whole before the realm was entered.</summary>
internal sealed class RealmRequest(HttpContext http, ServedRealm realm, IFormCollection? form, JsonNode? body)
{
    public HttpContext Http => http;

    public ServedRealm Realm => realm;

    /// <summary>The JSON body; null when there is none, or it is not JSON.</summary>
    public JsonNode? Body => body;

    /// <summary>Who called, as the edge before this server tells it. Nobody else reaches it: it listens on loopback alone.</summary>
    public string? Address =>
        http.Request.Headers["X-Forwarded-For"] is [{ Length: > 0 } told] ? told
        : http.Connection.RemoteIpAddress is { IsIPv4MappedToIPv6: true } mapped ? mapped.MapToIPv4().ToString()
        : http.Connection.RemoteIpAddress?.ToString();

    public string Route(string name) => WebUtility.UrlDecode((string?)http.Request.RouteValues[name] ?? "");

    public string? Query(string name) => http.Request.Query[name] is [{ } value, ..] ? value : null;

    public string? Field(string name) => form?[name] is [{ } value, ..] ? value : null;

    public string? Parameter(string name) => Field(name) ?? Query(name);

    /// <summary>A parameter that is there twice: OAuth forbids it.</summary>
    public string? Repeated() =>
        http
            .Request.Query.Concat(form ?? Enumerable.Empty<KeyValuePair<string, Microsoft.Extensions.Primitives.StringValues>>())
            .FirstOrDefault(parameter => parameter.Value.Count > 1)
            .Key;

    public void SetCookie(string name, string value) => http.Response.Cookies.Append(name, value, Cookie());

    public void RemoveCookie(string name) => http.Response.Cookies.Delete(name, Cookie());

    private CookieOptions Cookie() =>
        new()
        {
            HttpOnly = true,
            SameSite = SameSiteMode.Lax,
            Secure = realm.Issuer.StartsWith("https:", StringComparison.Ordinal),
            Path = $"/realms/{realm.Name}/",
            IsEssential = true,
        };

    /// <summary>
    /// Runs one request at a time per realm, and sends its answer when what it changed is on the disk.
    /// </summary>
    public static RequestDelegate Serve(Func<RealmRequest, ValueTask<Answer>> handle, RealmStore store) =>
        async http =>
        {
            if (store.Find((string)http.Request.RouteValues["realm"]!) is not { } realm)
            {
                await Answer.Error(404, "Realm does not exist").WriteAsync(http);
                return;
            }
            // Read first: a slow sender must not keep everybody else waiting.
            IFormCollection? form = null;
            JsonNode? body = null;
            try
            {
                if (http.Request.HasFormContentType)
                {
                    form = await http.Request.ReadFormAsync(http.RequestAborted);
                }
                else if (http.Request.HasJsonContentType() && http.Request.ContentLength is not 0)
                {
                    body = await JsonNode.ParseAsync(http.Request.Body, cancellationToken: http.RequestAborted);
                }
            }
            catch (Exception exception) when (exception is JsonException or InvalidDataException or BadHttpRequestException or IOException)
            {
                await Answer.Error(400, "invalid_request", "The body cannot be read.").WriteAsync(http);
                return;
            }

            Answer answer;
            (byte[] Content, long Version)? changed;
            await realm.Gate.WaitAsync(http.RequestAborted);
            try
            {
                answer = await handle(new RealmRequest(http, realm, form, body));
                changed = RealmStore.Snapshot(realm);
            }
            finally
            {
                realm.Gate.Release();
            }
            if (changed is { } state)
            {
                await store.SaveAsync(realm, state.Content, state.Version, CancellationToken.None);
            }

            await answer.WriteAsync(http);
        };
}
