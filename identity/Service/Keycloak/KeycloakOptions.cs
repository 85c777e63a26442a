using System.ComponentModel.DataAnnotations;

namespace Platform.Identity.Service.Keycloak;

/// <summary>Where the realm is, and how this service signs in to administer it.</summary>
internal sealed class KeycloakOptions
{
    public const string Section = "Keycloak";

    /// <summary>Base address as this service reaches it. Empty: there is no Keycloak, and everything but OAuth works.</summary>
    public string Url { get; set; } = "";

    /// <summary>Base address as browsers and clients know it: the issuer begins with it. Empty: the same as <see cref="Url"/>.</summary>
    public string PublicUrl { get; set; } = "";

    /// <summary>Name of the realm.</summary>
    [Required]
    public string Realm { get; set; } = "platform";

    /// <summary>The service account that this service administers the realm with.</summary>
    [Required]
    public string ClientId { get; set; } = "platform-identity";

    /// <summary>
    /// Secret of the service account. The reconciler sets it in the realm when it signs in as the bootstrap administrator.
    /// </summary>
    public string ClientSecret { get; set; } = "";

    /// <summary>
    /// The administrator of the master realm, needed only while the service account does not know <see cref="ClientSecret"/> yet.
    /// </summary>
    public string AdminUsername { get; set; } = "";

    /// <summary>Its password.</summary>
    public string AdminPassword { get; set; } = "";

    /// <summary>Further hosts that clients which register themselves may be sent back to, by https.</summary>
    public string[] RedirectHosts { get; set; } = [];

    /// <summary>Further schemes of applications that clients which register themselves may be sent back to, such as <c>zed</c>.</summary>
    public string[] RedirectSchemes { get; set; } = [];

    /// <summary>Further addresses of the registered clients, by client id.</summary>
    public Dictionary<string, ClientOptions> Clients { get; set; } = [];

    /// <summary>The realm file; empty: the one that comes with the service.</summary>
    public string RealmFile { get; set; } = "";

    /// <summary>How often the realm is compared with its file when nothing is wrong.</summary>
    public TimeSpan ReconcileEvery { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>How often the realm's events are read. Sign-outs and taken-back consents take effect after this.</summary>
    public TimeSpan ReadEventsEvery { get; set; } = TimeSpan.FromMilliseconds(250);

    /// <summary>
    /// Whether people who accept an invitation to a workspace and have no account get one, with a password that they choose. Off where
    /// accounts
    /// come from elsewhere, such as a company's own sign-in.
    /// </summary>
    public bool CreateAccounts { get; set; } = true;

    public bool IsConfigured => Url.Length > 0;

    public string Issuer => $"{(PublicUrl.Length > 0 ? PublicUrl : Url).TrimEnd('/')}/realms/{Realm}";

    public Uri InternalIssuer => new($"{Url.TrimEnd('/')}/realms/{Realm}/");
}
