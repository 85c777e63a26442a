using Grpc.Core;
using Platform.Contracts;

namespace Platform.Identity.Service.Governance;

/// <summary>
/// Failures as problem details (RFC 9457), with the reason, the fix and the violations that every failure of the platform has.
/// </summary>
internal static class GovernanceProblem
{
    public static GovernanceCaller Caller(this HttpContext http) => (GovernanceCaller)http.Items[typeof(GovernanceCaller)]!;

    public static IResult Of(int status, string reason, string message, string fix, IEnumerable<Violation>? violations = null) =>
        Results.Problem(
            detail: message,
            statusCode: status,
            title: reason,
            type: $"urn:platform:problem:{reason}",
            extensions: new Dictionary<string, object?>
            {
                ["reason"] = reason,
                ["fix"] = fix,
                ["violations"] = violations
                    ?.Select(violation => new
                    {
                        field = violation.Field,
                        rule = violation.Rule,
                        fix = violation.Fix,
                    })
                    .ToList(),
            }
        );

    public static IResult Of(StatusCode status, ProblemDetail problem) =>
        Of(
            status switch
            {
                StatusCode.InvalidArgument => StatusCodes.Status400BadRequest,
                StatusCode.NotFound => StatusCodes.Status404NotFound,
                StatusCode.PermissionDenied => StatusCodes.Status403Forbidden,
                StatusCode.FailedPrecondition or StatusCode.Aborted => StatusCodes.Status409Conflict,
                StatusCode.Unavailable => StatusCodes.Status503ServiceUnavailable,
                _ => StatusCodes.Status500InternalServerError,
            },
            problem.Reason,
            problem.Message,
            problem.Fix,
            problem.Violations
        );
}
