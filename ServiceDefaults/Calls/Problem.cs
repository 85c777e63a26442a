using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Platform.Contracts;

namespace Platform.ServiceDefaults.Calls;

/// <summary>
/// Builds what services throw: a gRPC status with a stable reason, what happened, what to do, and the fields that broke a rule.
/// The edge shows all of it to the model, so nothing secret belongs here.
/// </summary>
public static class Problem
{
    /// <summary>The trailer that carries the serialized <see cref="ProblemDetail"/>.</summary>
    public const string Trailer = "problem-bin";

    private const int MaxViolationBytes = 10_000;
    private const int MaxText = 2_000;

    /// <summary>Missing, of another workspace, or of another environment: all look the same.</summary>
    public static RpcException NotFound(string kind, string id) =>
        Of(
            StatusCode.NotFound,
            Reasons.NotFound,
            $"There is no {kind} {id} here.",
            Finder.Of(kind) is { } finder
                ? $"Find it with {finder.Tool}{(finder.IsOfEnvironment ? ", or name another environment" : "")}."
                : "Look at the list that it comes from."
        );

    public static RpcException Invalid(string field, string rule, string fix) =>
        Invalid(
            new Violation
            {
                Field = field,
                Rule = rule,
                Fix = fix,
            }
        );

    /// <summary>All broken rules at once. The first are named, each with its fix, and the others counted.</summary>
    public static RpcException Invalid(params IReadOnlyList<Violation> violations) => Invalid(violations, violations.Count);

    /// <summary>The same where only the first of them were kept.</summary>
    public static RpcException Invalid(IReadOnlyList<Violation> violations, int total)
    {
        var told = Fitting(violations);
        var (message, fix) = ViolationText.Of(told, total);
        var detail = new ProblemDetail
        {
            Reason = Reasons.InvalidArgument,
            Message = message,
            Fix = fix,
        };
        detail.Violations.AddRange(told);
        return Of(StatusCode.InvalidArgument, detail);
    }

    // They travel in headers, twice, of which clients of HTTP take 64 KiB. Beyond that the caller would hear of a lost connection.
    private static List<Violation> Fitting(IReadOnlyList<Violation> violations)
    {
        var size = new AnswerSize(MaxViolationBytes);
        return [.. violations.Take(ViolationText.MaxTold).Select(Short).TakeWhile(violation => size.TryTake(JsonSize.Of(violation)))];
    }

    private static Violation Short(Violation violation) =>
        new()
        {
            Field = Short(violation.Field),
            Rule = Short(violation.Rule),
            Fix = Short(violation.Fix),
        };

    private static string Short(string text) => text.Length <= MaxText ? text : text[..MaxText] + "…";

    /// <summary>The state does not allow it: taken names, full tables, things that changed meanwhile.</summary>
    public static RpcException Conflict(string reason, string message, string fix) =>
        Of(StatusCode.FailedPrecondition, reason, message, fix);

    public static RpcException PermissionDenied(string permission) =>
        Of(
            StatusCode.PermissionDenied,
            Reasons.PermissionDenied,
            $"This needs the permission {permission}.",
            "Ask an admin of the workspace for a role that has it."
        );

    /// <summary>It takes the permission in environments that the caller need not know of, so none is named.</summary>
    public static RpcException PermissionDeniedSomewhere(string permission) =>
        Of(
            StatusCode.PermissionDenied,
            Reasons.PermissionDenied,
            $"This needs the permission {permission} in every environment that it touches.",
            "Ask an admin of the workspace for a role that has it there."
        );

    /// <summary>It touches production, which the caller could reach by role.</summary>
    public static RpcException ProductionNotAllowed() =>
        Of(
            StatusCode.PermissionDenied,
            Reasons.ProductionNotAllowed,
            "This touches production, and the workspace does not let MCP reach production.",
            "Leave production out, or ask an admin of the workspace to allow it in its MCP settings."
        );

    public static RpcException Unauthenticated(string message) =>
        Of(StatusCode.Unauthenticated, Reasons.Unauthenticated, message, "Send a valid caller assertion.");

    public static RpcException Unavailable(string what) =>
        Of(StatusCode.Unavailable, Reasons.Unavailable, $"{what} cannot be reached at the moment.", "Try again in a few seconds.");

    /// <summary>The answer to a change was lost after it was sent: it happened, or it did not, and nobody here can tell.</summary>
    /// <param name="isRepeatable">Whether the call has an idempotency key, with which it happens once however often it is sent.</param>
    public static ProblemDetail OutcomeUnknown(string callId, bool isRepeatable) =>
        new()
        {
            Reason = Reasons.OutcomeUnknown,
            Message = "The answer was lost, so it is not known whether this happened. It may have happened all the same.",
            Fix = isRepeatable
                ? $"Repeat the same call with the same idempotencyKey: it happens once, and you get its answer. The call's id is {callId}."
                : $"Look first whether it happened, and repeat the call only if it did not. The call's id is {callId}: if it happened, "
                    + "search_audit_events finds it by callId within seconds. With an idempotencyKey a call can be repeated safely.",
        };

    /// <summary>Somebody else holds what this needs, for longer than we wait.</summary>
    public static RpcException Busy() =>
        Of(StatusCode.Aborted, Reasons.Busy, "Others are changing the same things right now.", "Try again in a few seconds.");

    public static RpcException Internal(string traceId) =>
        Of(StatusCode.Internal, Reasons.Internal, "Something unforeseen happened.", $"Report the trace id {traceId}.");

    internal static RpcException ConfirmationRequired(string token, DateTimeOffset expiresAt, ReadOnlyMemory<byte> preview) =>
        Of(
            StatusCode.FailedPrecondition,
            new ProblemDetail
            {
                Reason = Reasons.ConfirmationRequired,
                Message = "Nothing was changed yet: this needs a confirmation.",
                Fix = "Look at the preview; to go on, repeat the call with the same arguments and this confirmation.",
                Confirmation = new Confirmation
                {
                    Token = token,
                    ExpiresAt = Timestamp.FromDateTimeOffset(expiresAt),
                    Preview = new Json { Utf8 = UnsafeByteOperations.UnsafeWrap(preview) },
                },
            }
        );

    public const string ConfirmationRequiredReason = Reasons.ConfirmationRequired;

    public static RpcException Of(StatusCode status, string reason, string message, string fix) =>
        Of(
            status,
            new ProblemDetail
            {
                Reason = reason,
                Message = message,
                Fix = fix,
            }
        );

    public static RpcException Of(StatusCode status, ProblemDetail detail) =>
        new(new Status(status, detail.Message), new Metadata { { Trailer, detail.ToByteArray() } });

    /// <summary>The problem that a failed call carries, or null when the other side sent none.</summary>
    public static ProblemDetail? Read(RpcException exception) =>
        exception.Trailers.GetValueBytes(Trailer) is { } bytes ? ProblemDetail.Parser.ParseFrom(bytes) : null;
}
