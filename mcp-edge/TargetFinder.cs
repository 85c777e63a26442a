using ModelContextProtocol.Protocol;
using Platform.Edge.Access;
using Platform.Edge.Calls;
using Platform.Edge.Catalogue;
using Platform.Edge.Compact;
using Platform.Edge.Http;
using Platform.Edge.Resources;

namespace Platform.Edge;

/// <summary>Finds what a message is about, before anybody looks at who sent it.</summary>
internal sealed class TargetFinder(ToolSurface surface, CompactSurface compact, ResourceCatalogue resources)
{
    /// <summary>
    /// No target: the message asks for nothing that a service or a rate limit would notice. Or a refusal: it names nothing.
    /// </summary>
    public (AskedFor? Target, PolicyRefusal? Malformed) Find(McpExchange exchange, UrlNarrowing narrowing)
    {
        if (!exchange.IsRequest)
        {
            return default;
        }

        return exchange.Method switch
        {
            RequestMethods.ToolsCall => exchange.ToolName is { } name
                ? (OfTool(name, exchange, narrowing), null)
                : (null, PolicyRefusal.Malformed("params.name must be the name of a tool.")),
            RequestMethods.ResourcesRead => exchange.ResourceUri is { } uri
                ? (resources.Find(uri), null)
                : (null, PolicyRefusal.Malformed("params.uri must be the URI of a resource.")),
            RequestMethods.ResourcesList or RequestMethods.CompletionComplete => (
                new AskedFor(exchange.Method, null, default) { IsLocal = true },
                null
            ),
            _ => default,
        };
    }

    private AskedFor OfTool(string name, McpExchange exchange, UrlNarrowing narrowing)
    {
        if (CompactSurface.IsOwn(name, narrowing))
        {
            return compact.Find(name, exchange.Arguments);
        }

        surface.TryFind(name, out var tool);
        return new AskedFor(name, tool, exchange.Arguments);
    }
}
