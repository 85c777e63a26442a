using Grpc.Core;
using ModelContextProtocol;
using Platform.Audit.Contracts;
using Platform.Contracts;
using Platform.Edge.Audit;
using Platform.Edge.Calls;
using Platform.ServiceDefaults.Calls;

namespace Platform.Edge.Tools;

/// <summary>Carries out a read on behalf of a resource, a list or a completion, in the same steps as a tool call.</summary>
internal sealed class ToolReader(ServiceCalls services, CallAudit audit, UnforeseenFailures unforeseen)
{
    /// <summary>The answer as JSON.</summary>
    /// <exception cref="McpProtocolException">The read was refused or failed; the client reads why.</exception>
    public async ValueTask<string> ReadAsync(EdgeCall call, CancellationToken cancellationToken)
    {
        try
        {
            var (shaped, refusal) = ShapedRequest.Read(call);
            using (shaped)
            {
                if (refusal is not null)
                {
                    call.Error = refusal.Reason;
                    await audit.RefusedAsync(call, refusal.Reason);
                    throw NoResource(call.Exchange.ResourceUri, $"{refusal.Message} {refusal.Fix}");
                }

                var answer = await services.SendAsync(call, shaped!, confirmation: null, request: null, cancellationToken);
                using (answer.Json)
                {
                    return await audit.AnsweredAsync(call, answer.Outcome)
                        ? ToolAnswers.Content(answer.Json, call.Tool!, call.Caller!)
                        : throw new McpProtocolException(
                            "UNAVAILABLE: The audit log cannot take this read, and without it nothing may be shown."
                                + " Try again in a few seconds.",
                            McpErrorCode.InternalError
                        );
                }
            }
        }
        catch (Exception) when (cancellationToken.IsCancellationRequested)
        {
            audit.Later(call, AuditOutcomes.Failed, Reasons.Cancelled);
            throw new OperationCanceledException(cancellationToken);
        }
        catch (RpcException exception)
        {
            throw await FailAsync(call, services.Explain(call, Problem.Read(exception), exception));
        }
        catch (Exception exception) when (exception is not McpProtocolException)
        {
            throw await FailAsync(call, unforeseen.Explain(call, exception));
        }
    }

    private async Task<McpProtocolException> FailAsync(EdgeCall call, Failure failure)
    {
        call.Error = failure.Reason;
        await (failure.IsRefusal ? audit.RefusedAsync(call, failure.Reason) : audit.FailedAsync(call, failure.Reason));
        return failure.Reason is Reasons.NotFound or Reasons.InvalidArgument
            ? NoResource(call.Exchange.ResourceUri, failure.Said)
            : new McpProtocolException(failure.Text(call), McpErrorCode.InternalError);
    }

    /// <summary>What a client is told of a resource that does not exist.</summary>
    public static McpProtocolException NoResource(string? uri, string message) =>
        new(message, McpErrorCode.InvalidParams) { Data = { ["uri"] = uri } };
}
