using Grpc.Core;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;
using Platform.Audit.Contracts;
using Platform.Contracts;
using Platform.Edge.Access;
using Platform.Edge.Audit;
using Platform.Edge.Calls;
using Platform.ServiceDefaults.Calls;

namespace Platform.Edge.Tools;

/// <summary>Carries out a tool call that policy has let pass: check the shape, send, record, answer.</summary>
internal sealed class ToolCaller(ServiceCalls services, CallAudit audit, UnforeseenFailures unforeseen)
{
    private static readonly Failure _auditAway = new(
        Reasons.Unavailable,
        "The audit log cannot take this call, and without it nothing may be shown.",
        "Try again in a few seconds."
    );

    private static readonly PolicyRefusal _declined = new(
        RefusalForm.ToolError,
        Reasons.NotConfirmed,
        "The user did not agree.",
        "Nothing was changed."
    );

    private static readonly PolicyRefusal _declinedForNow = _declined with
    {
        Fix = "Nothing was changed. The confirmation could not be taken back, so it stays valid until it expires, within 5 minutes.",
    };

    /// <summary>Answers the exchange.</summary>
    /// <exception cref="InputRequiredException">The user has to be asked first.</exception>
    public async Task AnswerAsync(EdgeCall call, RequestContext<CallToolRequestParams> request, CancellationToken cancellationToken)
    {
        try
        {
            var (shaped, refusal) = ShapedRequest.Read(call);
            using (shaped)
            {
                refusal ??= await CarryOutAsync(call, shaped!, request, cancellationToken);
            }

            if (refusal is not null)
            {
                await audit.RefusedAsync(call, refusal.Reason);
                ToolAnswers.Refuse(call, refusal);
            }
        }
        catch (Exception) when (cancellationToken.IsCancellationRequested)
        {
            audit.Later(call, AuditOutcomes.Failed, Reasons.Cancelled);
            throw new OperationCanceledException(cancellationToken);
        }
        catch (Exception exception) when (exception is not InputRequiredException)
        {
            await FailAsync(call, unforeseen.Explain(call, exception));
        }
    }

    /// <summary>Null when the exchange has its answer, a refusal when it has none yet.</summary>
    private async Task<PolicyRefusal?> CarryOutAsync(
        EdgeCall call,
        ShapedRequest shaped,
        RequestContext<CallToolRequestParams> request,
        CancellationToken cancellationToken
    )
    {
        var hasUser = UserConfirmation.CanAsk(call, request);
        var canAsk = hasUser && !shaped.Shared.DryRun;
        var confirmation = shaped.Shared.Confirmation;
        if (canAsk && confirmation is null)
        {
            switch (UserConfirmation.AnswerIn(call.Exchange.Params))
            {
                case true when request.Params.RequestState is { Length: > 0 } state:
                    confirmation = state;
                    break;
                case false:
                    return await DeclineAsync(call, shaped, request.Params.RequestState, cancellationToken);
            }
        }

        try
        {
            // A destructive call without its confirmation is a preview.
            call.MayHaveHappened =
                !call.Tool!.Definition.IsRead && !shaped.Shared.DryRun && (confirmation is not null || !call.Tool.Definition.IsDestructive);
            var answer = await services.SendAsync(call, shaped, confirmation, request, cancellationToken);
            using (answer.Json)
            {
                await AnswerAsync(call, answer);
            }

            return null;
        }
        catch (RpcException exception) when (!cancellationToken.IsCancellationRequested)
        {
            var problem = Problem.Read(exception);
            if (problem is { Reason: Problem.ConfirmationRequiredReason, Confirmation: { } required })
            {
                await AskAsync(call, required, hasUser, shaped.Shared.DryRun);
                return null;
            }

            var failure = services.Explain(call, problem, exception);
            if (failure.IsRefusal)
            {
                return failure.ToRefusal();
            }

            await FailAsync(call, failure);
            return null;
        }
    }

    // Whatever the client keeps of the question must not confirm the call later.
    private async Task<PolicyRefusal> DeclineAsync(
        EdgeCall call,
        ShapedRequest shaped,
        string? state,
        CancellationToken cancellationToken
    ) => state is not { Length: > 0 } || await services.DeclineAsync(call, shaped, state, cancellationToken) ? _declined : _declinedForNow;

    private async Task AnswerAsync(EdgeCall call, ServiceAnswer answer)
    {
        // A committed change is recorded by its own event, in its own transaction.
        var isCommitted = answer.Outcome == Outcomes.Committed;
        var isReplayed = answer.Outcome == Outcomes.Replayed;
        if (!isCommitted && !await audit.AnsweredAsync(call, answer.Outcome))
        {
            ToolAnswers.Fail(call, _auditAway);
            return;
        }

        call.Exchange.AnswerWith(
            ToolAnswers.Success(
                answer.Json,
                call.Tool!,
                call.Caller!,
                dryRun: answer.Outcome == Outcomes.Previewed,
                callId: isCommitted || isReplayed ? call.Id : null,
                repeats: isReplayed ? answer.Repeats ?? "" : null,
                changedNothing: answer.Outcome == Outcomes.Unchanged
            )
        );
    }

    private async Task AskAsync(EdgeCall call, Confirmation required, bool hasUser, bool dryRun)
    {
        if (!await audit.AnsweredAsync(call, Outcomes.Previewed))
        {
            ToolAnswers.Fail(call, _auditAway);
            return;
        }

        if (hasUser && !dryRun)
        {
            throw UserConfirmation.Ask(call, required);
        }

        // Where the user can be asked, the model gets no confirmation, by a dry run either: it could go on without the user.
        call.Exchange.AnswerWith(
            ToolAnswers.ConfirmationRequired(required, call.Tool!, call.Caller!, dryRun, call.Through, withConfirmation: !hasUser)
        );
    }

    private async Task FailAsync(EdgeCall call, Failure failure)
    {
        await audit.FailedAsync(call, failure.Reason);
        ToolAnswers.Fail(call, failure);
    }
}
