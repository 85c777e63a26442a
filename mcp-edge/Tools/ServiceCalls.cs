using Grpc.Core;
using Microsoft.Extensions.Options;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;
using Platform.Contracts;
using Platform.Edge.Callers;
using Platform.Edge.Calls;
using Platform.Edge.Transcoding;
using Platform.ServiceDefaults.Calls;

namespace Platform.Edge.Tools;

/// <summary>What a service answered.</summary>
/// <param name="Json">The answer as a JSON object.</param>
/// <param name="Outcome">What became of the call, in a word of <see cref="Outcomes"/>.</param>
/// <param name="Repeats">The call whose answer this is, for one that was replayed; null where that is not known.</param>
internal readonly record struct ServiceAnswer(PooledBuffer Json, string Outcome, string? Repeats = null);

/// <summary>Sends a request to the service that owns the tool, in the caller's name.</summary>
internal sealed partial class ServiceCalls(ServiceChannels channels, IOptions<AccessOptions> options, ILogger<ServiceCalls> log)
{
    /// <param name="confirmation">Of a destructive call that its user has agreed to.</param>
    /// <param name="request">Who is told of progress; null: nobody.</param>
    /// <exception cref="RpcException">The service refused or failed; <see cref="Explain"/> says why.</exception>
    public async Task<ServiceAnswer> SendAsync(
        EdgeCall call,
        ShapedRequest shaped,
        string? confirmation,
        RequestContext<CallToolRequestParams>? request,
        CancellationToken cancellationToken
    )
    {
        var tool = call.Tool!;
        if (tool.Definition.Services.Count > 1)
        {
            return await SharedCalls.SendAsync(channels, tool, shaped.Wire, confirmation, (service, its) =>
                Options(call, service, shaped.Shared, CallMetadata.Confirmation, its, cancellationToken)
            );
        }

        var callOptions = Options(call, tool.Service, shaped.Shared, CallMetadata.Confirmation, confirmation, cancellationToken);
        if (tool.Method.Type == MethodType.ServerStreaming)
        {
            using var streamed = channels.For(tool.Service).AsyncServerStreamingCall(tool.Method, null, callOptions, shaped.Wire);
            var last = await ReadStreamAsync(streamed, request, cancellationToken);
            return SharedCalls.AnswerOf(tool, last, streamed.GetTrailers());
        }

        using var sent = channels.For(tool.Service).AsyncUnaryCall(tool.Method, null, callOptions, shaped.Wire);
        var answer = await sent.ResponseAsync;
        return SharedCalls.AnswerOf(tool, answer, sent.GetTrailers());
    }

    /// <summary>Makes sure that a confirmation that its user has declined cannot be used. Returns whether that is so now.</summary>
    public async Task<bool> DeclineAsync(EdgeCall call, ShapedRequest shaped, string confirmation, CancellationToken cancellationToken)
    {
        var declined = await Task.WhenAll(
            call.Tool!.Definition.Services.Select(async service =>
            {
                if (SharedCalls.PartFor(confirmation, service) is not { } part)
                {
                    return true;
                }

                try
                {
                    var callOptions = Options(call, service, shaped.Shared, CallMetadata.Declined, part, cancellationToken);
                    using var sent = channels.For(service).AsyncUnaryCall(call.Tool.SharedMethod, null, callOptions, shaped.Wire);
                    await sent.ResponseAsync;
                    return false;
                }
                catch (RpcException exception) when (!cancellationToken.IsCancellationRequested)
                {
                    return Problem.Read(exception)?.Reason == Reasons.NotConfirmed;
                }
            })
        );
        return declined.All(one => one);
    }

    /// <summary>What a client is told of a call that came back without an answer.</summary>
    public Failure Explain(EdgeCall call, ProblemDetail? problem, RpcException exception)
    {
        if (problem is null)
        {
            LogFailed(exception, call.Tool!.Name);
        }

        return Failure.Of(call, problem, exception, options.Value.CallTimeout);
    }

    private CallOptions Options(
        EdgeCall call,
        string service,
        SharedValues shared,
        string confirms,
        string? confirmation,
        CancellationToken cancellationToken
    ) => new(Headers(call, service, shared, confirms, confirmation), DateTime.UtcNow + options.Value.CallTimeout, cancellationToken);

    /// <param name="confirms">The header that <paramref name="confirmation"/> goes into.</param>
    private static Metadata Headers(EdgeCall call, string service, SharedValues shared, string confirms, string? confirmation)
    {
        var headers = new Metadata
        {
            {
                "authorization",
                call.Caller!.AuthorizationFor(service) ?? throw new InvalidOperationException($"Identity gave no assertion for {service}.")
            },
            { CallMetadata.CallId, call.Id },
            { "x-tool", call.Tool!.Name },
        };
        Add(headers, CallMetadata.Task, shared.Task);
        Add(headers, CallMetadata.IdempotencyKey, shared.IdempotencyKey);
        Add(headers, CallMetadata.DryRun, shared.DryRun ? "true" : null);
        Add(headers, confirms, confirmation);
        return headers;
    }

    private static void Add(Metadata headers, string key, string? value)
    {
        if (value is not null)
        {
            headers.Add(key, value);
        }
    }

    [LoggerMessage(2002, LogLevel.Warning, "{Tool} failed without a problem")]
    private partial void LogFailed(Exception exception, string tool);
}
