using System.Globalization;
using Microsoft.Extensions.Options;
using Platform.Edge.Access;
using Platform.Edge.Callers;
using Platform.Edge.Http;
using Platform.Identity.Contracts;
using Platform.ServiceDefaults;

namespace Platform.Edge.SignIn;

/// <summary>
/// Where clients register themselves: identity decides what can be registered, and this edge how often one address may ask.
/// </summary>
internal sealed class RegistrationDoor(
    Forwarding forwarding,
    AddressLimit limit,
    IConfiguration configuration,
    IOptions<AccessOptions> options
)
{
    private readonly Uri _identity = new(configuration.ServiceAddress("identity", "http"), ClientRegistration.Path);

    public async Task HandleAsync(HttpContext http)
    {
        if (HttpMethods.IsPost(http.Request.Method))
        {
            if (!limit.TryTake(http, "register", options.Value.RegistrationsPerAddress, out var wait))
            {
                http.Response.Headers.RetryAfter = wait.ToString(CultureInfo.InvariantCulture);
                await OAuthError.WriteAsync(
                    http,
                    StatusCodes.Status429TooManyRequests,
                    "temporarily_unavailable",
                    $"Too many clients were registered from this address. Try again in {wait} seconds."
                );
                return;
            }

            if (http.Request.ContentLength is null or > ClientRegistration.MaxBody)
            {
                await OAuthError.WriteAsync(
                    http,
                    StatusCodes.Status413PayloadTooLarge,
                    "invalid_client_metadata",
                    $"The body must be JSON with a Content-Length of at most {ClientRegistration.MaxBody} bytes."
                );
                return;
            }
        }

        if (!await forwarding.SendAsync(http, _identity))
        {
            http.Response.Clear();
            http.Response.Headers.RetryAfter = "5";
            await OAuthError.WriteAsync(
                http,
                StatusCodes.Status503ServiceUnavailable,
                "temporarily_unavailable",
                "Clients cannot be registered at the moment. Try again in a few seconds."
            );
        }
    }
}
