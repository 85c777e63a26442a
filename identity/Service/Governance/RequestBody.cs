using System.Text.Json;
using Platform.ServiceDefaults;

namespace Platform.Identity.Service.Governance;

internal static class RequestBody
{
    private const int MaxLength = 64 * 1024;

    /// <exception cref="Grpc.Core.RpcException">The body is no JSON of this shape, or holds a member that nobody knows.</exception>
    public static async Task<T> ReadAsync<T>(this HttpContext http) where T : class
    {
        if (http.Request.ContentLength is null or > MaxLength || !http.Request.HasJsonContentType())
        {
            throw Problem.Invalid("body", "is not a JSON document of up to 64 KiB", "Send application/json with a Content-Length.");
        }

        try
        {
            return await http.Request.ReadFromJsonAsync<T>(GovernanceApi.Json, http.RequestAborted) ?? throw new JsonException("The body is null.");
        }
        catch (JsonException exception)
        {
            var known = typeof(T).GetProperties().Select(property => JsonNamingPolicy.CamelCase.ConvertName(property.Name));
            throw Problem.Invalid(exception.Path is { Length: > 2 } path ? path[2..] : "body", "is not what is expected here", $"Send an object with: {string.Join(", ", known)}.");
        }
    }
}
