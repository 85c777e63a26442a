using ModelContextProtocol.Server;

namespace Platform.Edge.Http;

/// <summary>What an MCP endpoint serves. The endpoint owns HTTP and the protocol, the application owns who may do what.</summary>
public abstract class McpApplication
{
    /// <summary>Decides on the caller before the body is read. False: the reply is already written.</summary>
    public abstract ValueTask<bool> AdmitAsync(HttpContext http);

    /// <summary>The parameters of a tool that clients of 2026-07-28 repeat in a header (<c>x-mcp-header</c> in its schema).</summary>
    public virtual IReadOnlyList<MirroredParameter> MirroredParameters(string toolName) => [];

    /// <summary>Decides on one well-formed message before anything is written. Null: the reply is already written.</summary>
    public abstract ValueTask<McpHandling?> OpenAsync(McpExchange exchange);

    /// <summary>Releases what the exchange held. Always called once after <see cref="OpenAsync"/>.</summary>
    public virtual ValueTask CloseAsync(McpExchange exchange) => ValueTask.CompletedTask;
}

/// <summary>How a message is answered.</summary>
public readonly struct McpHandling
{
    private McpHandling(McpServerOptions? engine, Func<CancellationToken, Task>? answer) => (Engine, Answer) = (engine, answer);

    internal McpServerOptions? Engine { get; }

    internal Func<CancellationToken, Task>? Answer { get; }

    /// <summary>By the SDK's engine with these handlers (a fresh object, the endpoint adds to it).</summary>
    public static McpHandling By(McpServerOptions handlers) => new(handlers, null);

    /// <summary>
    /// Without the engine, for what neither asks the client nor tells it anything before the answer: <paramref name="answer"/> ends with
    /// <see cref="McpExchange.AnswerWith"/>. The engine makes a server, a session and a pump for each message, which such an answer need
    /// not pay.
    /// </summary>
    public static McpHandling Plainly(Func<CancellationToken, Task> answer) => new(null, answer);
}

/// <summary>A top-level parameter whose value stands in the header <c>Mcp-Param-{Header}</c> too, where proxies can read it.</summary>
public sealed record MirroredParameter(string Name, string Header);
