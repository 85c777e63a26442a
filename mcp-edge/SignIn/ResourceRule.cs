using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;
using Platform.Edge.Http;

namespace Platform.Edge.SignIn;

/// <summary>
/// Whether a token may be asked for a resource (RFC 8707). Every token of the realm is for this edge. If another server named our issuer as
/// its own, its clients would bring it tokens that work here: they are told no before anybody signs in.
/// </summary>
internal sealed class ResourceRule(IOptions<McpEndpointOptions> options)
{
    public const string Name = "resource";

    /// <summary>What is wrong; null when each resource is this edge's URL, with or without a query, or none is named.</summary>
    public string? Problem(IEnumerable<string?> resources) =>
        resources.FirstOrDefault(resource => !IsOurs(resource)) is { } foreign
            ? $"The resource {OAuthError.Printable(foreign, 200)} is not served here. The only one is {options.Value.Resource}."
            : null;

    /// <summary>
    /// What goes on to the server: once it is checked here, the resource has done its work. A Keycloak compares it with what it has itself,
    /// and refuses the MCP URL with a query.
    /// </summary>
    public static QueryString Without(IEnumerable<KeyValuePair<string, StringValues>> parameters) =>
        QueryString.Create(parameters.Where(parameter => parameter.Key != Name));

    private bool IsOurs(string? resource) =>
        Uri.TryCreate(resource, UriKind.Absolute, out var uri)
        && uri is { UserInfo: "", Fragment: "" }
        && uri.GetLeftPart(UriPartial.Path).TrimEnd('/') == options.Value.Resource;
}
