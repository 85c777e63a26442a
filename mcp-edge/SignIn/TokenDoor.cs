using System.Text;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;
using Platform.ServiceDefaults;

namespace Platform.Edge.SignIn;

/// <summary>
/// The token endpoint: codes and refresh tokens of people's sign-ins, for this edge's own resource. A client that would act for itself gets
/// nothing here, and a refresh that comes twice gets one answer (<see cref="RefreshGrace"/>).
/// </summary>
internal sealed class TokenDoor(SignInServer server, ResourceRule resources, RefreshGrace grace)
{
    private const string Path = "protocol/openid-connect/token";
    private static readonly string[] _grants = ["authorization_code", "refresh_token"];

    public async Task HandleAsync(HttpContext http)
    {
        if (
            !MediaTypeHeaderValue.TryParse(http.Request.ContentType, out var type)
            || !type.MediaType.Equals(ForwardedBody.FormType, StringComparison.OrdinalIgnoreCase)
            || await http.Request.ReadBodyAsync(ForwardedBody.MaxForm) is not { } form
        )
        {
            await OAuthError.WriteAsync(
                http,
                StatusCodes.Status400BadRequest,
                "invalid_request",
                $"The body must be {ForwardedBody.FormType}, of at most {ForwardedBody.MaxForm} bytes, and complete."
            );
            return;
        }

        var fields = QueryHelpers.ParseQuery(Encoding.UTF8.GetString(form.Span));
        if (fields.FirstOrDefault(field => field.Value.Count > 1 && field.Key != ResourceRule.Name).Key is { } twice)
        {
            await OAuthError.WriteAsync(
                http,
                StatusCodes.Status400BadRequest,
                "invalid_request",
                $"{OAuthError.Printable(twice, 60)} is there twice."
            );
            return;
        }

        var grant = Field(fields, "grant_type");
        if (!_grants.Contains(grant))
        {
            await OAuthError.WriteAsync(
                http,
                StatusCodes.Status400BadRequest,
                grant.Length == 0 ? "invalid_request" : "unsupported_grant_type",
                $"grant_type must be {string.Join(" or ", _grants)}."
            );
            return;
        }

        if (resources.Problem(fields.GetValueOrDefault(ResourceRule.Name)) is { } problem)
        {
            await OAuthError.WriteAsync(http, StatusCodes.Status400BadRequest, "invalid_target", problem);
            return;
        }

        form = Encoding.UTF8.GetBytes(ResourceRule.Without(fields).Value!.TrimStart('?'));

        try
        {
            // Whether or not the caller still waits: a refresh token that was used up must not be lost with its answer.
            var answer = await (
                grant == "refresh_token"
                    ? grace.ExchangeAsync(Question(http, fields), Field(fields, "refresh_token"), () => AskAsync(http, form))
                    : AskAsync(http, form)
            );
            await answer.WriteAsync(http);
        }
        catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException && !http.Response.HasStarted)
        {
            await SignInServer.AwayAsync(http);
        }
    }

    private async Task<TokenAnswer> AskAsync(HttpContext http, ReadOnlyMemory<byte> form)
    {
        using var response = await server.PostAsync(http, Path, form, HeaderNames.Authorization, HeaderNames.Origin);
        return await TokenAnswer.ReadAsync(response);
    }

    // What makes two refreshes the same: all that is sent with the token, and the page that may read the answer.
    private static string Question(HttpContext http, Dictionary<string, StringValues> fields) =>
        string.Join(
            '\n',
            fields
                .OrderBy(field => field.Key, StringComparer.Ordinal)
                .Select(field => $"{field.Key}={field.Value}")
                .Append($"{http.Request.Headers.Authorization}")
                .Append($"{http.Request.Headers.Origin}")
        );

    private static string Field(Dictionary<string, StringValues> fields, string name) =>
        fields.TryGetValue(name, out var value) ? value.ToString() : "";
}
