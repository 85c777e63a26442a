using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;

namespace Platform.Edge.Callers;

/// <summary>
/// Finds an issuer's metadata in every form there is: behind the issuer (OpenID Connect Discovery), and inserted before its path
/// (RFC 8414, for OAuth and for OpenID). The first that answers with the right issuer is taken. What it says is at the issuer, such as its
/// keys, is read from the address it was found at: the issuer's own may lead out of the house and in again.
/// </summary>
internal sealed class IssuerMetadata(string issuer) : IConfigurationRetriever<OpenIdConnectConfiguration>
{
    public async Task<OpenIdConnectConfiguration> GetConfigurationAsync(
        string address,
        IDocumentRetriever retriever,
        CancellationToken cancel
    )
    {
        Exception? last = null;
        foreach (var form in Forms(address))
        {
            try
            {
                var configuration = await OpenIdConnectConfigurationRetriever.GetAsync(
                    form,
                    new Inside(retriever, issuer, address),
                    cancel
                );
                if (configuration.Issuer != issuer)
                {
                    throw new InvalidOperationException($"{form} speaks for another issuer.");
                }

                if (configuration.SigningKeys.Count == 0)
                {
                    throw new InvalidOperationException($"{form} names no signing keys.");
                }

                return configuration;
            }
            catch (Exception exception)
                when (exception is IOException or HttpRequestException or InvalidOperationException or ArgumentException)
            {
                last = exception;
            }
        }
        throw new InvalidOperationException($"No metadata of the issuer at {address}.", last);
    }

    internal static IEnumerable<string> Forms(string address)
    {
        var uri = new Uri(address.TrimEnd('/'));
        var origin = uri.GetLeftPart(UriPartial.Authority);
        var path = uri.AbsolutePath.TrimEnd('/');
        yield return $"{origin}{path}/.well-known/openid-configuration";
        yield return $"{origin}/.well-known/oauth-authorization-server{path}";
        yield return $"{origin}/.well-known/openid-configuration{path}";
    }

    private sealed class Inside(IDocumentRetriever retriever, string issuer, string address) : IDocumentRetriever
    {
        public Task<string> GetDocumentAsync(string document, CancellationToken cancel) =>
            retriever.GetDocumentAsync(
                document.StartsWith(issuer + "/", StringComparison.Ordinal) ? address.TrimEnd('/') + document[issuer.Length..] : document,
                cancel
            );
    }
}
