using System.Collections.Frozen;
using Platform.Identity.Service.Keycloak;
using Platform.Identity.Service.Realm;

namespace Platform.Identity.Service.AccessTokens;

/// <summary>The one resource of the platform: the public URL of the MCP endpoint.</summary>
internal sealed class EdgeAudience(IConfiguration configuration)
{
    // Clients that act for the platform or for Keycloak itself, never for an agent. None of them has a scope with the audience of the
    // edge; should one get it by mistake, its tokens still open nothing.
    private static readonly FrozenSet<string> _notForAgents = BuiltInClients
        .Ids.Append("platform-governance")
        .Append("platform-identity")
        .ToFrozenSet(StringComparer.Ordinal);

    /// <summary>Exactly as the access tokens carry it.</summary>
    public string Url { get; } = EdgeUrl.Of(configuration);

    public bool IsFor(AccessToken token) => token.Audiences.Contains(Url) && !_notForAgents.Contains(token.ClientId);
}
