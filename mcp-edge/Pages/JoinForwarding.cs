using System.Text;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;
using Platform.Directory.Contracts;
using Platform.Edge.Http;
using Platform.ServiceDefaults;

namespace Platform.Edge.Pages;

/// <summary>Hands the page on which invitations are accepted on to identity, so that one public URL is all that people see.</summary>
internal static class JoinForwarding
{
    private const string Client = "join";
    private const string TokenField = "token";
    private const string FormType = "application/x-www-form-urlencoded";

    // What the page needs to be safe in a browser, and nothing that tells about the inside.
    private static readonly string[] _headers =
    [
        HeaderNames.ContentSecurityPolicy,
        "Referrer-Policy",
        HeaderNames.CacheControl,
        HeaderNames.XContentTypeOptions,
        HeaderNames.Location,
    ];

    public static void AddJoinPage(this IServiceCollection services) =>
        services
            .AddHttpClient(Client, (provider, http) =>
            {
                http.BaseAddress = provider.GetRequiredService<IConfiguration>().ServiceAddress("identity", "http");
                http.Timeout = TimeSpan.FromSeconds(10);
            })
            .ConfigurePrimaryHttpMessageHandler(Forwarding.Handler);

    public static void MapJoinPage(this IEndpointRouteBuilder routes)
    {
        var options = routes.ServiceProvider.GetRequiredService<IOptions<McpEndpointOptions>>().Value;
        routes.MapMethods(JoinPage.Under(options.PublicUrl!).AbsolutePath, ["GET", "HEAD", "POST"], ForwardAsync);
    }

    private static async Task ForwardAsync(HttpContext http, IHttpClientFactory clients, JoinLimits limits)
    {
        if (!await limits.AdmitAddressAsync(http))
        {
            return;
        }

        var token = http.Request.Query[TokenField].ToString();
        using var request = new HttpRequestMessage(
            // Programs that check links ask with HEAD; the server leaves the body of such an answer out.
            HttpMethods.IsPost(http.Request.Method)
                ? HttpMethod.Post
                : HttpMethod.Get,
            JoinPage.Path + http.Request.QueryString
        );
        if (http.Request.Headers["Sec-Fetch-Site"].ToString() is { Length: > 0 } site)
        {
            request.Headers.TryAddWithoutValidation("Sec-Fetch-Site", site);
        }

        if (HttpMethods.IsPost(http.Request.Method))
        {
            if (http.Request.ContentLength is null or > JoinPage.MaxForm)
            {
                await PlainPage.WriteAsync(
                    http,
                    StatusCodes.Status413PayloadTooLarge,
                    "Too long",
                    "<p>What you typed is too long. Open the link from your mail again, and choose a shorter name or password.</p>"
                );
                return;
            }

            // What the page sends; another encoding would hide from here which invitation it is about.
            if (
                !MediaTypeHeaderValue.TryParse(http.Request.ContentType, out var type)
                || !type.MediaType.Equals(FormType, StringComparison.OrdinalIgnoreCase)
            )
            {
                await NotUnderstoodAsync(http, StatusCodes.Status415UnsupportedMediaType);
                return;
            }

            if (await http.Request.ReadBodyAsync(JoinPage.MaxForm) is not { } body)
            {
                await NotUnderstoodAsync(http, StatusCodes.Status400BadRequest);
                return;
            }

            token = QueryHelpers.ParseQuery(Encoding.UTF8.GetString(body.Span)).GetValueOrDefault(TokenField).ToString();
            request.Content = new ReadOnlyMemoryContent(body);
            request.Content.Headers.TryAddWithoutValidation(HeaderNames.ContentType, http.Request.ContentType);
        }

        if (!await limits.AdmitInvitationAsync(http, token))
        {
            return;
        }

        try
        {
            using var client = clients.CreateClient(Client);
            using var answer = await client.SendAsync(request, http.RequestAborted);
            http.Response.StatusCode = (int)answer.StatusCode;
            http.Response.ContentType = answer.Content.Headers.ContentType?.ToString();
            foreach (var name in _headers)
            {
                if (answer.Headers.TryGetValues(name, out var values) || answer.Content.Headers.TryGetValues(name, out values))
                {
                    http.Response.Headers[name] = values.ToArray();
                }
            }

            await answer.Content.CopyToAsync(http.Response.Body, http.RequestAborted);
        }
        catch (Exception exception)
            when (exception is HttpRequestException or TaskCanceledException
                && !http.RequestAborted.IsCancellationRequested
                && !http.Response.HasStarted
            )
        {
            http.Response.Headers.RetryAfter = "2";
            await PlainPage.WriteAsync(
                http,
                StatusCodes.Status503ServiceUnavailable,
                "Something went wrong",
                HttpMethods.IsPost(http.Request.Method)
                    ? JoinPage.OutcomeUnknown
                    : "<p>Invitations cannot be shown at the moment. Try again in a few seconds.</p>"
            );
        }
    }

    private static Task NotUnderstoodAsync(HttpContext http, int status) =>
        PlainPage.WriteAsync(http, status, "Not understood", JoinPage.NotUnderstood);
}
