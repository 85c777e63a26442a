namespace Platform.Identity.Service.Keycloak;

/// <summary>
/// What an operator adds to a registered client: addresses that its maker does not publish, or that belong to one organization.
/// </summary>
internal sealed class ClientOptions
{
    /// <summary>Addresses, besides those of the realm file, that the client may be answered at. Exact: no wildcards.</summary>
    public string[] RedirectUris { get; set; } = [];
}
