using System.Text.Json;
using Microsoft.Net.Http.Headers;

namespace Platform.Edge.SignIn;

/// <summary>What the token endpoint answered, whole, so that it can be given twice.</summary>
internal sealed record TokenAnswer(int Status, Dictionary<string, string> Headers, byte[] Body)
{
    // What a client, or the browser it runs in, needs to read the answer.
    private static readonly string[] _kept =
    [
        HeaderNames.ContentType,
        HeaderNames.CacheControl,
        HeaderNames.Pragma,
        HeaderNames.WWWAuthenticate,
        HeaderNames.AccessControlAllowOrigin,
        HeaderNames.AccessControlAllowCredentials,
        HeaderNames.AccessControlExposeHeaders,
        HeaderNames.Vary,
    ];

    public static async Task<TokenAnswer> ReadAsync(HttpResponseMessage response)
    {
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var name in _kept)
        {
            if (response.Headers.TryGetValues(name, out var values) || response.Content.Headers.TryGetValues(name, out values))
            {
                headers[name] = string.Join(", ", values);
            }
        }

        return new TokenAnswer((int)response.StatusCode, headers, await response.Content.ReadAsByteArrayAsync());
    }

    public static TokenAnswer Read(ReadOnlySpan<byte> utf8) => JsonSerializer.Deserialize<TokenAnswer>(utf8)!;

    public byte[] ToUtf8() => JsonSerializer.SerializeToUtf8Bytes(this);

    public async Task WriteAsync(HttpContext http)
    {
        http.Response.StatusCode = Status;
        foreach (var (name, value) in Headers)
        {
            http.Response.Headers[name] = value;
        }

        http.Response.ContentLength = Body.Length;
        await http.Response.Body.WriteAsync(Body, http.RequestAborted);
    }
}
