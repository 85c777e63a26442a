using Microsoft.Extensions.Options;
using Platform.Edge.Http;

namespace Platform.Edge.SignIn;

/// <summary>
/// Whether a token may be asked for a resource (RFC 8707). Every token of the realm is for this edge. If another server named our issuer as
/// its own, its clients would bring it tokens that work here: they are told no before anybody signs in.
/// </summary>
internal sealed class ResourceRule(IOptions<McpEndpointOptions> options)
{
    /// <summary>What is wrong; null when each resource is this edge's URL, with or without a query, or none is named.</summary>
    public string? Problem(IEnumerable<string?> resources) =>
        resources.FirstOrDefault(resource => !IsOurs(resource)) is { } foreign
            ? $"The resource {Cut(foreign)} is not served here. The only one is {options.Value.Resource}."
            : null;

    private bool IsOurs(string? resource) =>
        Uri.TryCreate(resource, UriKind.Absolute, out var uri)
        && uri is { UserInfo: "", Fragment: "" }
        && uri.GetLeftPart(UriPartial.Path).TrimEnd('/') == options.Value.Resource;

    private static string Cut(string text) => new([.. text.Where(c => c is > ' ' and <= '~').Take(200)]);
}
