using Platform.Contracts;
using Platform.Edge.Http;

namespace Platform.Edge.Access;

internal enum RefusalForm
{
    /// <summary>401: come back with another token.</summary>
    Unauthorized,

    /// <summary>403 that asks an OAuth client to step up.</summary>
    StepUp,

    /// <summary>A JSON-RPC error under an HTTP status.</summary>
    Http,

    /// <summary>As if there were no such tool.</summary>
    UnknownTool,

    /// <summary>A tool result that the model reads.</summary>
    ToolError,
}

/// <summary>Why a call does not go on. It is a value until its wire form is written, in one place.</summary>
/// <param name="Reason">
/// Stable, for the audit log and for clients. Empty when the request broke a rule of the protocol or of the URL.
/// </param>
internal sealed record PolicyRefusal(RefusalForm Form, string Reason, string Message, string Fix = "", int Status = StatusCodes.Status200OK)
{
    /// <summary>The JSON-RPC code of the form <see cref="RefusalForm.Http"/>.</summary>
    public int Code { get; init; } = McpError.InvalidRequest;

    /// <summary>After how many seconds the same request may succeed; 0 when waiting does not help.</summary>
    public int RetryAfter { get; init; }

    /// <summary>What a token should be asked for, in the order of the contract: for the forms that challenge an OAuth client.</summary>
    public string Scopes { get; init; } = "";

    /// <summary>Whether names or values that people wrote can be in it.</summary>
    public bool HasPeoplesText { get; init; }

    /// <summary>The URI of a resource that does not exist.</summary>
    public string? Uri { get; init; }

    /// <summary>The request names nothing that could be called, or its URL makes no sense.</summary>
    public static PolicyRefusal Malformed(string message, int status = StatusCodes.Status200OK) =>
        new(RefusalForm.Http, "", message, Status: status) { Code = McpError.InvalidParams };

    /// <summary>Something that decides on callers cannot be reached. Nobody passes then.</summary>
    public static PolicyRefusal Unavailable(string message) =>
        new(RefusalForm.Http, Reasons.Unavailable, message, "Try again in a few seconds.", StatusCodes.Status503ServiceUnavailable)
        {
            RetryAfter = 2,
        };

    /// <summary>The arguments broke a rule of the contract.</summary>
    public static PolicyRefusal InvalidArgument(string message, string fix = "") =>
        new(RefusalForm.ToolError, Reasons.InvalidArgument, message, fix);

    /// <summary>The operation does not exist, or does not exist for this caller.</summary>
    public static PolicyRefusal UnknownOperation(string operation, string reason = Reasons.UnknownOperation) =>
        new(RefusalForm.ToolError, reason, $"There is no operation '{operation}' here.", "Find names with list_operations.");

    /// <summary>The same refusal for a client that reads a resource and sees no tool.</summary>
    public PolicyRefusal OfResource(string uri) =>
        Form switch
        {
            RefusalForm.UnknownTool => this with { Message = "There is no such resource.", Uri = uri },
            RefusalForm.ToolError => this with { Form = RefusalForm.Http },
            _ => this,
        };
}
