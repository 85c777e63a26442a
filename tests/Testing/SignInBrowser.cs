using System.Text.RegularExpressions;
using System.Web;

namespace Platform.Testing;

/// <summary>
/// A person's browser, as far as Keycloak's own login and consent pages need one. Its cookie jar sends Secure cookies over http on
/// loopback, as browsers do and .NET's does not.
/// </summary>
/// <param name="handler">What speaks HTTP for it, without cookies and without following redirects.</param>
public sealed partial class SignInBrowser(HttpMessageHandler? handler = null) : IDisposable
{
    private readonly HttpClient _http = new(handler ?? new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false });
    private readonly Dictionary<string, string> _cookies = [];

    /// <summary>The lines of the last consent page; empty when there was none.</summary>
    public IReadOnlyList<string> ConsentLines { get; private set; } = [];

    /// <summary>
    /// Opens the authorization URL and does what the pages ask, until they send the browser to the redirect address, which is not called.
    /// Returns the query that it would have been called with.
    /// </summary>
    public async Task<Dictionary<string, string>> SignInAsync(
        Uri authorization,
        string redirect,
        string username,
        string password,
        bool consent = true,
        CancellationToken cancellationToken = default
    )
    {
        ConsentLines = [];
        var signedIn = false;
        var response = await SendAsync(new HttpRequestMessage(HttpMethod.Get, authorization), cancellationToken);
        for (var step = 0; step < 12; step++)
        {
            var here = response.RequestMessage!.RequestUri!;
            if (response.Headers.Location is { } location)
            {
                if (location.OriginalString.StartsWith(redirect, StringComparison.Ordinal))
                {
                    var query = HttpUtility.ParseQueryString(location.Query);
                    return query.AllKeys.ToDictionary(key => key!, key => query[key]!);
                }

                response = await SendAsync(new HttpRequestMessage(HttpMethod.Get, new Uri(here, location)), cancellationToken);
                continue;
            }

            var page = await response.Content.ReadAsStringAsync(cancellationToken);
            if (Form.Match(page) is not { Success: true } form)
            {
                throw new InvalidOperationException($"{(int)response.StatusCode} without a form: {ToText(page)}");
            }

            Dictionary<string, string> fields;
            if (page.Contains("name=\"accept\"", StringComparison.Ordinal))
            {
                ConsentLines = [.. ConsentLine.Matches(page).Select(line => ToText(line.Groups[1].Value))];
                fields = new() { ["code"] = Code.Match(page).Groups[1].Value, [consent ? "accept" : "cancel"] = "x" };
            }
            else if (signedIn)
            {
                throw new InvalidOperationException($"The sign-in was refused: {ToText(page)}");
            }
            else
            {
                signedIn = true;
                fields = new()
                {
                    ["username"] = username,
                    ["password"] = password,
                    ["credentialId"] = "",
                };
            }

            response = await SendAsync(
                new HttpRequestMessage(HttpMethod.Post, new Uri(here, HttpUtility.HtmlDecode(form.Groups[1].Value)))
                {
                    Content = new FormUrlEncodedContent(fields),
                },
                cancellationToken
            );
        }

        throw new InvalidOperationException("The pages go on for ever.");
    }

    public void Dispose() => _http.Dispose();

    private static string ToText(string html) => HttpUtility.HtmlDecode(Tags.Replace(html, " ")).Trim();

    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        request.Headers.TryAddWithoutValidation("Cookie", string.Join("; ", _cookies.Select(cookie => $"{cookie.Key}={cookie.Value}")));
        var response = await _http.SendAsync(request, cancellationToken);
        foreach (var cookie in response.Headers.TryGetValues("Set-Cookie", out var set) ? set : [])
        {
            var pair = cookie.Split(';')[0].Split('=', 2);
            _cookies[pair[0]] = pair[1];
        }

        return response;
    }

    [GeneratedRegex("<form[^>]*action=\"([^\"]+)\"")]
    private static partial Regex Form { get; }

    [GeneratedRegex("name=\"code\" value=\"([^\"]+)\"")]
    private static partial Regex Code { get; }

    [GeneratedRegex("<li(?:\\s[^>]*)?>(.*?)</li>", RegexOptions.Singleline)]
    private static partial Regex ConsentLine { get; }

    [GeneratedRegex("<[^>]+>|\\s{2,}")]
    private static partial Regex Tags { get; }
}
