using System.Text.Json;
using Platform.ServiceDefaults;
using Platform.ServiceDefaults.Calls;

namespace Platform.Identity.Service.Governance;

internal static class RequestBody
{
    private const int MaxLength = 64 * 1024;

    /// <exception cref="Grpc.Core.RpcException">The body is not JSON of this shape, or has an unknown member.</exception>
    public static async Task<T> ReadAsync<T>(this HttpContext http)
        where T : class
    {
        if (!http.Request.HasJsonContentType() || await http.Request.ReadBodyAsync(MaxLength) is not { } body)
        {
            throw Problem.Invalid("body", "is not a complete JSON document of up to 64 KiB", "Send application/json in UTF-8.");
        }

        try
        {
            return JsonSerializer.Deserialize<T>(body.Span, GovernanceApi.Json) ?? throw new JsonException("The body is null.");
        }
        catch (JsonException exception)
        {
            var known = typeof(T).GetProperties().Select(property => JsonNamingPolicy.CamelCase.ConvertName(property.Name));
            throw Problem.Invalid(
                exception.Path is { Length: > 2 } path ? path[2..] : "body",
                "is not what is expected here",
                $"Send an object with: {string.Join(", ", known)}."
            );
        }
    }
}
