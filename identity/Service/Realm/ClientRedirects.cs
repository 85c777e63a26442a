using Microsoft.Extensions.Options;
using Platform.Identity.Service.Keycloak;

namespace Platform.Identity.Service.Realm;

/// <summary>
/// An address that would let a code go astray stops the start, and so does one for a client that people do not consent to.
/// </summary>
internal sealed class ClientRedirects : IValidateOptions<KeycloakOptions>
{
    public ValidateOptionsResult Validate(string? name, KeycloakOptions options)
    {
        if (options.Clients.Count == 0)
        {
            return ValidateOptionsResult.Success;
        }

        var known = RealmFile.Load(options.RealmFile, new Dictionary<string, string>()).ConsentedClientIds.ToHashSet();
        var failures = new List<string>();
        foreach (var (client, settings) in options.Clients)
        {
            if (!known.Contains(client))
            {
                failures.Add(
                    $"{KeycloakOptions.Section}:Clients:{client} is not a client that takes further redirect URIs. "
                        + $"Those are: {string.Join(", ", known)}."
                );
            }

            failures.AddRange(
                settings
                    .RedirectUris.Select((uri, index) => (uri, index))
                    .Where(item => RedirectAddress.Problem(item.uri) is not null)
                    .Select(item =>
                        $"{KeycloakOptions.Section}:Clients:{client}:RedirectUris:{item.index} {RedirectAddress.Problem(item.uri)}"
                    )
            );
        }

        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }
}
