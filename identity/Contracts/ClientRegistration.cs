namespace Platform.Identity.Contracts;

/// <summary>
/// Where OAuth clients register themselves (RFC 7591): the path at identity, which the edge forwards from the registration endpoint of the
/// public origin.
/// </summary>
public static class ClientRegistration
{
    public const string Path = "/registered-clients";

    /// <summary>Bytes of what a client may say about itself.</summary>
    public const int MaxBody = 16 * 1024;
}
