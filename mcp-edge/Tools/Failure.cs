using Grpc.Core;
using Platform.Contracts;
using Platform.Edge.Access;
using Platform.Edge.Calls;

namespace Platform.Edge.Tools;

/// <summary>Why a service gave no answer, in words that hold nothing of the inside.</summary>
internal sealed record Failure(string Reason, string Message, string Fix)
{
    public static Failure Unforeseen { get; } = new(Reasons.Internal, "Something unforeseen happened.", "Report the trace id.");

    /// <summary>Whether the service refused the call, as opposed to failing at it.</summary>
    public bool IsRefusal => Reason is Reasons.InvalidArgument or Reasons.PermissionDenied or Reasons.ProductionNotAllowed;

    /// <summary>As a client reads it.</summary>
    public string Text(EdgeCall call) =>
        Fix.Length == 0 ? $"{Reason}: {Message} (trace {call.TraceId})" : $"{Reason}: {Message} {Fix} (trace {call.TraceId})";

    public static Failure Of(PolicyRefusal refusal) => new(refusal.Reason, refusal.Message, refusal.Fix);

    /// <param name="problem">What the service said of it; null when it said nothing.</param>
    public static Failure Of(EdgeCall call, ProblemDetail? problem, StatusCode status, TimeSpan timeout) =>
        problem is not null
            ? new(problem.Reason, problem.Message, problem.Fix)
            : status switch
            {
                StatusCode.Unavailable => new(
                    Reasons.Unavailable,
                    $"The {call.Tool!.Service} service cannot be reached at the moment.",
                    "Try again in a few seconds."
                ),
                StatusCode.DeadlineExceeded => new(
                    Reasons.DeadlineExceeded,
                    $"No answer within {timeout.TotalSeconds:0} seconds.",
                    call.Tool!.Definition.IsRead ? "Ask for less." : "It may have happened all the same: look before you repeat it."
                ),
                StatusCode.ResourceExhausted => new(Reasons.TooLarge, "The request or its answer is too large.", "Ask for less at a time."),
                _ => Unforeseen,
            };
}
