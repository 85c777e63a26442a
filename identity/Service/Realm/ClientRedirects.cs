using Microsoft.Extensions.Options;
using Platform.Identity.Service.Keycloak;

namespace Platform.Identity.Service.Realm;

/// <summary>
/// An address that would let a code go astray stops the start, and so does one for a client that people do not consent to.
/// </summary>
internal sealed class ClientRedirects : IValidateOptions<KeycloakOptions>
{
    // They run or read what they are given in the browser that holds the session.
    private static readonly string[] _dangerous = ["javascript", "data", "file", "vbscript", "blob", "about", "view-source"];

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
                    .Where(item => Problem(item.uri) is not null)
                    .Select(item => $"{KeycloakOptions.Section}:Clients:{client}:RedirectUris:{item.index} {Problem(item.uri)}")
            );
        }

        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }

    private static string? Problem(string address)
    {
        if (!Uri.TryCreate(address, UriKind.Absolute, out var uri) || !address.Contains("://", StringComparison.Ordinal))
        {
            return "must be an absolute URI, such as https://host/path.";
        }

        if (address.IndexOfAny(['*', '#', '\\', ' ']) >= 0 || uri.UserInfo.Length > 0 || address.Contains("/..", StringComparison.Ordinal))
        {
            return "must be exact: without *, fragment, user and parent folders.";
        }

        if (uri.Scheme == Uri.UriSchemeHttp && !uri.IsLoopback)
        {
            return "must be https, or http on loopback.";
        }

        return _dangerous.Contains(uri.Scheme) ? $"must not have the scheme {uri.Scheme}." : null;
    }
}
