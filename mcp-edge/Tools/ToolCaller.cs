using System.Diagnostics;
using System.Text.Json;
using Grpc.Core;
using Microsoft.Extensions.Options;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;
using Platform.Audit.Contracts;
using Platform.Contracts;
using Platform.Contracts.Catalogue;
using Platform.Edge.Audit;
using Platform.Edge.Callers;
using Platform.Edge.Calls;
using Platform.Edge.Transcoding;
using Platform.ServiceDefaults.Calls;

namespace Platform.Edge.Tools;

/// <summary>Carries a tool call that policy has let pass to the service that owns it, and its answer back.</summary>
internal sealed partial class ToolCaller(
    ServiceChannels channels,
    CallAudit audit,
    IOptions<AccessOptions> options,
    ILogger<ToolCaller> log
)
{
    private const string Question = "confirm";
    private static readonly JsonElement _noArguments = JsonDocument.Parse("{}").RootElement;

    /// <summary>Whether the call is answered without asking the user or telling progress on the way, and so needs no engine.</summary>
    public static bool IsPlain(EdgeCall call) =>
        call.Refusal is not null || call.Tool is { Definition.IsDestructive: false, Method.Type: MethodType.Unary };

    /// <summary>Answers the exchange.</summary>
    /// <param name="request">Null for a plain call.</param>
    public async Task AnswerAsync(EdgeCall call, RequestContext<CallToolRequestParams>? request, CancellationToken cancellationToken)
    {
        if (call.Refusal is { } refusal)
        {
            AnswerError(call, refusal.Reason, refusal.Message, refusal.Fix);
            return;
        }
        try
        {
            using var wire = new PooledBuffer(512);
            if (Shape(call, wire, out var shared) is { } violations)
            {
                await audit.RefusedAsync(call, "INVALID_ARGUMENT");
                AnswerError(call, "INVALID_ARGUMENT", violations.What, violations.Fix);
                return;
            }
            await InvokeAsync(call, wire, shared, request, cancellationToken);
        }
        catch (Exception) when (cancellationToken.IsCancellationRequested)
        {
            audit.Later(call, AuditOutcomes.Failed, "CANCELLED");
            throw new OperationCanceledException(cancellationToken);
        }
        catch (Exception exception) when (exception is not InputRequiredException)
        {
            LogUnforeseen(exception, call.Tool!.Name);
            await FailAsync(call, "INTERNAL", "Something unforeseen happened.", "Report the trace id.");
        }
    }

    /// <summary>Carries out a read on behalf of a resource, and returns its answer as JSON.</summary>
    /// <exception cref="McpProtocolException">It was refused or went wrong; the client reads why.</exception>
    public async ValueTask<string> ReadAsync(EdgeCall call, CancellationToken cancellationToken)
    {
        try
        {
            using var wire = new PooledBuffer(512);
            if (Shape(call, wire, out var shared) is { } violations)
            {
                call.Error = "INVALID_ARGUMENT";
                await audit.RefusedAsync(call, "INVALID_ARGUMENT");
                throw NoResource(call.Exchange.ResourceUri, $"{violations.What} {violations.Fix}");
            }
            var (answer, outcome) = await SendAsync(call, wire, shared, confirmation: null, request: null, cancellationToken);
            using (answer)
            {
                return await audit.AnsweredAsync(call, outcome)
                    ? ToolAnswers.Content(answer, call.Tool!, call.Caller!)
                    : throw new McpProtocolException(
                        "UNAVAILABLE: The audit log cannot take this read, and without it nothing may be shown. Try again in a few seconds.",
                        McpErrorCode.InternalError
                    );
            }
        }
        catch (Exception) when (cancellationToken.IsCancellationRequested)
        {
            audit.Later(call, AuditOutcomes.Failed, "CANCELLED");
            throw new OperationCanceledException(cancellationToken);
        }
        catch (RpcException exception)
        {
            var (reason, message, fix) = Explain(call, Problem.Read(exception), exception);
            call.Error = reason;
            if (IsRefusal(reason))
            {
                await audit.RefusedAsync(call, reason);
            }
            else
            {
                await audit.FailedAsync(call, reason);
            }

            throw reason is "NOT_FOUND" or "INVALID_ARGUMENT"
                ? NoResource(call.Exchange.ResourceUri, $"{message} {fix}")
                : new McpProtocolException($"{reason}: {message} {fix} (trace {call.TraceId})", McpErrorCode.InternalError);
        }
    }

    /// <summary>What a client is told of a resource that is not there.</summary>
    public static McpProtocolException NoResource(string? uri, string message) =>
        new(message, McpErrorCode.InvalidParams) { Data = { ["uri"] = uri } };

    private static Violations? Shape(EdgeCall call, PooledBuffer wire, out Shared shared)
    {
        var tool = call.Tool!;
        var arguments = call.Arguments.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null ? _noArguments : call.Arguments;
        var violations = new Violations();
        tool.Arguments.Check(arguments, "", violations);
        shared = default;
        if (violations.Count == 0)
        {
            RequestEncoder.Encode(arguments, tool.Request, wire, violations);
            if (!tool.Definition.IsRead)
            {
                shared = Shared.Read(call, violations);
            }
        }
        return violations.Count == 0 ? null : violations;
    }

    private async Task InvokeAsync(
        EdgeCall call,
        PooledBuffer wire,
        Shared shared,
        RequestContext<CallToolRequestParams>? request,
        CancellationToken cancellationToken
    )
    {
        var tool = call.Tool!;
        var caller = call.Caller!;
        var canAsk = tool.Definition.IsDestructive && call.Exchange.IsModern && request is not null && CanElicit(request);
        var confirmation = shared.Confirmation;
        if (canAsk && confirmation is null && !shared.DryRun)
        {
            switch (Answer(call.Exchange.Params))
            {
                case true when request!.Params.RequestState is { Length: > 0 } state:
                    confirmation = state;
                    break;
                case false:
                    await audit.RefusedAsync(call, "NOT_CONFIRMED");
                    AnswerError(call, "NOT_CONFIRMED", "The user did not agree.", "Nothing was changed.");
                    return;
            }
        }

        PooledBuffer? answer = null;
        try
        {
            string outcome;
            (answer, outcome) = await SendAsync(call, wire, shared, confirmation, request, cancellationToken);
            if (outcome != Outcomes.Committed && !await audit.AnsweredAsync(call, outcome))
            {
                AnswerError(
                    call,
                    "UNAVAILABLE",
                    "The audit log cannot take this call, and without it nothing may be shown.",
                    "Try again in a few seconds."
                );
                return;
            }
            call.Exchange.AnswerWith(
                ToolAnswers.Success(
                    answer,
                    tool,
                    caller,
                    dryRun: outcome == Outcomes.Previewed,
                    callId: outcome == Outcomes.Committed ? call.Id : null
                )
            );
        }
        catch (RpcException exception) when (!cancellationToken.IsCancellationRequested)
        {
            var problem = Problem.Read(exception);
            if (problem is { Reason: Problem.ConfirmationRequiredReason, Confirmation: { } required })
            {
                await AskAsync(call, required, canAsk && !shared.DryRun, shared.DryRun);
            }
            else
            {
                await FailAsync(call, problem, exception);
            }
        }
        finally
        {
            answer?.Dispose();
        }
    }

    private async Task<(PooledBuffer Answer, string Outcome)> SendAsync(
        EdgeCall call,
        PooledBuffer wire,
        Shared shared,
        string? confirmation,
        RequestContext<CallToolRequestParams>? request,
        CancellationToken cancellationToken
    )
    {
        var tool = call.Tool!;
        var deadline = DateTime.UtcNow + options.Value.CallTimeout;
        if (tool.Definition.Services.Count > 1)
        {
            return await SharedCalls.SendAsync(channels, tool, wire, confirmation, (service, its) =>
                new CallOptions(Headers(call, service, shared, its), deadline, cancellationToken)
            );
        }
        var callOptions = new CallOptions(Headers(call, tool.Service, shared, confirmation), deadline, cancellationToken);
        if (tool.Method.Type == MethodType.ServerStreaming)
        {
            using var streamed = channels.For(tool.Service).AsyncServerStreamingCall(tool.Method, null, callOptions, wire);
            var whole = await ReadStreamAsync(streamed, request, cancellationToken);
            return (
                whole,
                streamed.GetTrailers().GetValue(CallMetadata.Outcome) ?? (tool.Definition.IsRead ? Outcomes.Read : Outcomes.Unchanged)
            );
        }
        using var sent = channels.For(tool.Service).AsyncUnaryCall(tool.Method, null, callOptions, wire);
        var answer = await sent.ResponseAsync;
        var outcome = sent.GetTrailers().GetValue(CallMetadata.Outcome);
        return (answer, outcome ?? (tool.Definition.IsRead ? Outcomes.Read : Outcomes.Unchanged));
    }

    private static Metadata Headers(EdgeCall call, string service, Shared shared, string? confirmation)
    {
        var tool = call.Tool!;
        var headers = new Metadata
        {
            {
                "authorization",
                call.Caller!.AuthorizationFor(service) ?? throw new InvalidOperationException($"Identity gave no assertion for {service}.")
            },
            { CallMetadata.CallId, call.Id },
            { "x-tool", tool.Name },
        };
        Add(headers, CallMetadata.Task, shared.Task);
        Add(headers, CallMetadata.IdempotencyKey, shared.IdempotencyKey);
        Add(headers, CallMetadata.DryRun, shared.DryRun ? "true" : null);
        Add(headers, CallMetadata.Confirmation, confirmation);
        // The HTTP client passes the current trace on by itself; the client's own trace only goes on when there is no current one.
        if (Activity.Current is null)
        {
            Add(headers, "traceparent", call.TraceParent);
        }

        return headers;
    }

    private async Task AskAsync(EdgeCall call, Confirmation required, bool ask, bool dryRun)
    {
        await audit.AnsweredAsync(call, Outcomes.Previewed);
        if (!ask)
        {
            call.Exchange.AnswerWith(ToolAnswers.ConfirmationRequired(required, call.Tool!, call.Caller!, dryRun, call.Through));
            return;
        }
        var preview = required.Preview?.Utf8.ToStringUtf8() ?? "";
        throw new InputRequiredException(
            new Dictionary<string, InputRequest>
            {
                [Question] = InputRequest.ForElicitation(
                    new ElicitRequestParams
                    {
                        Message =
                            $"{call.Tool!.Definition.Options.Title}: this cannot be taken back by itself. It would destroy: {(preview.Length > 2000 ? preview[..2000] + "…" : preview)}",
                        RequestedSchema = new()
                        {
                            Properties =
                            {
                                [Question] = new ElicitRequestParams.BooleanSchema { Title = "Go on", Description = "Yes, do it." },
                            },
                            Required = [Question],
                        },
                    }
                ),
            },
            required.Token
        );
    }

    private async Task FailAsync(EdgeCall call, ProblemDetail? problem, RpcException exception)
    {
        var (reason, message, fix) = Explain(call, problem, exception);
        if (IsRefusal(reason))
        {
            await audit.RefusedAsync(call, reason);
            AnswerError(call, reason, message, fix);
            return;
        }
        await FailAsync(call, reason, message, fix);
    }

    private static bool IsRefusal(string reason) => reason is "INVALID_ARGUMENT" or "PERMISSION_DENIED";

    private (string Reason, string Message, string Fix) Explain(EdgeCall call, ProblemDetail? problem, RpcException exception)
    {
        if (problem is null)
        {
            LogFailed(exception, call.Tool!.Name);
        }

        return problem is not null
            ? (problem.Reason, problem.Message, problem.Fix)
            : exception.StatusCode switch
            {
                StatusCode.Unavailable => (
                    "UNAVAILABLE",
                    $"The {call.Tool!.Service} service cannot be reached at the moment.",
                    "Try again in a few seconds."
                ),
                StatusCode.DeadlineExceeded => (
                    "DEADLINE_EXCEEDED",
                    $"No answer within {options.Value.CallTimeout.TotalSeconds:0} seconds.",
                    call.Tool!.Definition.IsRead ? "Ask for less." : "It may have happened all the same: look before you repeat it."
                ),
                StatusCode.ResourceExhausted => ("TOO_LARGE", "The request or its answer is too large.", "Ask for less at a time."),
                _ => ("INTERNAL", "Something unforeseen happened.", "Report the trace id."),
            };
    }

    private async Task FailAsync(EdgeCall call, string reason, string message, string fix)
    {
        await audit.FailedAsync(call, reason);
        AnswerError(call, reason, message, fix);
    }

    private static void AnswerError(EdgeCall call, string reason, string message, string fix)
    {
        call.Error = reason;
        call.Exchange.AnswerWith(ToolAnswers.Error(reason, message, fix, call.TraceId));
    }

    private static bool CanElicit(RequestContext<CallToolRequestParams> request) =>
        request.Server.IsMrtrSupported
        && request.Server.ClientCapabilities?.Elicitation is { } elicitation
        && (elicitation.Form is not null || elicitation.Url is null);

    /// <summary>What the user said: null when this request carries no answer.</summary>
    private static bool? Answer(JsonElement parameters)
    {
        if (
            !parameters.TryGetProperty("inputResponses"u8, out var responses)
            || responses.ValueKind != JsonValueKind.Object
            || !responses.TryGetProperty(Question, out var response)
            || response.ValueKind != JsonValueKind.Object
            || !response.TryGetProperty("action"u8, out var action)
            || action.ValueKind != JsonValueKind.String
        )
        {
            return null;
        }
        return action.ValueEquals("accept"u8)
            && response.TryGetProperty("content"u8, out var content)
            && content.ValueKind == JsonValueKind.Object
            && content.TryGetProperty(Question, out var agreed)
            && agreed.ValueKind == JsonValueKind.True;
    }

    private static void Add(Metadata headers, string key, string? value)
    {
        if (value is not null)
        {
            headers.Add(key, value);
        }
    }

    /// <summary>The arguments that travel beside the request.</summary>
    private readonly record struct Shared(string? IdempotencyKey, string? Task, string? Confirmation, bool DryRun)
    {
        public static Shared Read(EdgeCall call, Violations violations) =>
            new(
                Header(call, SharedArguments.IdempotencyKey, violations),
                Header(call, SharedArguments.Task, violations),
                Header(call, SharedArguments.Confirmation, violations),
                call.Arguments.ValueKind == JsonValueKind.Object
                    && call.Arguments.TryGetProperty(SharedArguments.DryRun, out var dryRun)
                    && dryRun.ValueKind == JsonValueKind.True
            );

        // These become header values, where other characters would be lost or worse.
        private static string? Header(EdgeCall call, string name, Violations violations)
        {
            var text = call.Text(name);
            if (text is { Length: > 0 } && text.AsSpan().ContainsAnyExceptInRange('!', '~'))
            {
                violations.Add(
                    name,
                    "holds a character that is not printable ASCII",
                    "Use letters, digits and punctuation without spaces."
                );
            }

            return text is { Length: > 0 } ? text : null;
        }
    }

    [LoggerMessage(2001, LogLevel.Error, "{Tool} failed in the edge")]
    private partial void LogUnforeseen(Exception exception, string tool);

    [LoggerMessage(2002, LogLevel.Warning, "{Tool} failed without a problem")]
    private partial void LogFailed(Exception exception, string tool);
}
