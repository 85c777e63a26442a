using System.Text.Json;
using Microsoft.Extensions.Options;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;
using Platform.Edge.Access;
using Platform.Edge.Calls;
using Platform.Edge.Http;

namespace Platform.Edge.Tools;

/// <summary>The one place where a refusal becomes what a client reads.</summary>
internal sealed class RefusalWriter(IOptions<McpEndpointOptions> endpoint)
{
    private static readonly CallToolResult _answered = new() { Content = [] };

    /// <summary>Answers a call. Null: the reply is already written. Otherwise the refusal is the result of the tool.</summary>
    public async ValueTask<McpServerOptions?> AnswerAsync(EdgeCall call, PolicyRefusal refusal)
    {
        if (refusal.Form == RefusalForm.ToolError)
        {
            return new McpServerOptions
            {
                Handlers = new()
                {
                    CallToolHandler = (_, _) =>
                    {
                        ToolAnswers.Refuse(call, refusal);
                        return ValueTask.FromResult(_answered);
                    },
                },
            };
        }

        await WriteAsync(call.Exchange.Http, refusal, call.Exchange.IdElement);
        return null;
    }

    /// <summary>Writes a refusal that is not the result of a tool.</summary>
    /// <param name="id">Of the message, once it has been read.</param>
    public Task WriteAsync(HttpContext http, PolicyRefusal refusal, JsonElement id = default)
    {
        if (refusal.RetryAfter > 0)
        {
            http.Response.Headers.RetryAfter = $"{refusal.RetryAfter}";
        }

        return refusal.Form switch
        {
            RefusalForm.Unauthorized => Challenge.UnauthorizedAsync(http, endpoint.Value, refusal.Scopes, OrNull(refusal.Message)),
            RefusalForm.StepUp => Challenge.InsufficientScopeAsync(http, endpoint.Value, refusal.Scopes, refusal.Message),
            RefusalForm.UnknownTool => new McpError(refusal.Status, McpError.InvalidParams, refusal.Message)
            {
                Uri = refusal.Uri,
            }.WriteAsync(http, id),
            _ => new McpError(refusal.Status, refusal.Code, Text(refusal)).WriteAsync(http, id),
        };
    }

    private static string Text(PolicyRefusal refusal) =>
        refusal.Reason.Length == 0 ? refusal.Message : $"{refusal.Reason}: {refusal.Message} {refusal.Fix}".TrimEnd();

    private static string? OrNull(string text) => text.Length == 0 ? null : text;
}
