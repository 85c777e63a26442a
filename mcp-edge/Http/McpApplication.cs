using System.Diagnostics;
using ModelContextProtocol.Server;

namespace Platform.Edge.Http;

/// <summary>What an MCP endpoint serves. The endpoint owns HTTP and the protocol, the application owns who may do what.</summary>
public abstract class McpApplication
{
    /// <summary>Decides on the caller before the body is read. False: the reply is already written.</summary>
    public abstract ValueTask<bool> AdmitAsync(HttpContext http);

    /// <summary>The parameters of a tool that clients of 2026-07-28 repeat in a header (<c>x-mcp-header</c> in its schema).</summary>
    public virtual IReadOnlyList<MirroredParameter> MirroredParameters(string toolName) => [];

    /// <summary>Starts the span of one message, which ends when it is answered. Null: that of the request serves.</summary>
    public virtual Activity? Follow(McpExchange exchange) => null;

    /// <summary>
    /// Decides on one well-formed message before anything is written, and returns the handlers that may answer it. Null: the reply is
    /// already written.
    /// </summary>
    public abstract ValueTask<McpServerOptions?> OpenAsync(McpExchange exchange);

    /// <summary>Learns that a request was refused by the rules of HTTP or of the protocol, before anybody asked who sent it.</summary>
    internal virtual void Refused(McpError error) { }

    /// <summary>Learns that a message which was opened is refused by its method.</summary>
    internal virtual ValueTask RefusedAsync(McpExchange exchange, int code) => ValueTask.CompletedTask;

    /// <summary>Keeps an exception that nobody foresaw for the operator, and returns what the client reads instead.</summary>
    public abstract string Explain(McpExchange exchange, Exception exception);

    /// <summary>Releases what the exchange held. Always called once after <see cref="OpenAsync"/>.</summary>
    public virtual ValueTask CloseAsync(McpExchange exchange) => ValueTask.CompletedTask;
}

/// <summary>A top-level parameter whose value stands in the header <c>Mcp-Param-{Header}</c> too, where proxies can read it.</summary>
public sealed record MirroredParameter(string Name, string Header);
