using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Http.HttpResults;
using Platform.Contracts;
using Platform.Identity.Contracts;
using Platform.ServiceDefaults.State;
using Platform.ServiceDefaults.Telemetry;

namespace Platform.Identity.Service.Governance;

/// <summary>
/// Counts every refusal of the governance API, and records those of members in the log of their workspace. Strangers, and agents who knock
/// here, belong to no workspace yet and are counted alone, so that they cannot fill a log; neither can a member who never stops.
/// </summary>
internal sealed partial class GovernanceRefusals(UnitOfWork work, TimeProvider time, ILogger<GovernanceRefusals> log) : IEndpointFilter
{
    private const int PerMinute = 60;
    private const int MaxRemembered = 10_000;

    private static readonly Counter<long> _refused = PlatformMeter.Instance.CreateCounter<long>(
        "platform.identity.governance.refused",
        "{request}",
        "Requests that the governance API refused, by reason, and whether the audit log has them."
    );

    private readonly ConcurrentDictionary<Guid, (long Minute, int Count)> _recorded = new();

    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var result = await next(context);
        if (result is ProblemHttpResult { StatusCode: >= 400 and < 500 } refused)
        {
            var reason = refused.ProblemDetails.Title ?? "";
            _refused.Add(
                1,
                new KeyValuePair<string, object?>("reason", reason),
                new KeyValuePair<string, object?>("recorded", await TryRecordAsync(context.HttpContext, reason))
            );
        }

        return result;
    }

    private async Task<bool> TryRecordAsync(HttpContext http, string reason)
    {
        if (
            http.Items[typeof(GovernanceCaller)] is not GovernanceCaller { Member: { } member } caller
            || http.GetEndpoint() is not RouteEndpoint { RoutePattern.RawText: { } route }
            || IsRecordedByAudit(route, reason)
            || !TryTake(caller.MemberId)
        )
        {
            return false;
        }

        try
        {
            await work.WriteAsync(
                caller.ToCall(),
                tx =>
                {
                    tx.AnnounceRefusal(
                        new GovernanceRefused(
                            tx.NewEventId(),
                            caller.WorkspaceId,
                            tx.Now,
                            member.MemberId,
                            http.Request.Method,
                            route,
                            reason
                        ),
                        "governance.refused",
                        reason,
                        new Target("workspace", member.WorkspaceId)
                    );
                    return Task.CompletedTask;
                },
                SessionSettings.Default,
                CancellationToken.None
            );
            return true;
        }
        catch (Exception exception)
        {
            // A refusal stays a refusal.
            LogNotRecorded(exception, reason);
            return false;
        }
    }

    // Audit decides by itself who may see a secret, and records whom it refuses.
    private static bool IsRecordedByAudit(string route, string reason) =>
        reason == Reasons.PermissionDenied && route.Contains("/audit-streams/", StringComparison.Ordinal);

    private bool TryTake(Guid member)
    {
        var minute = time.GetUtcNow().ToUnixTimeSeconds() / 60;
        if (_recorded.Count > MaxRemembered)
        {
            _recorded.Clear();
        }

        return _recorded.AddOrUpdate(member, (minute, 1), (_, had) => had.Minute == minute ? (minute, had.Count + 1) : (minute, 1)).Count
            <= PerMinute;
    }

    [LoggerMessage(4033, LogLevel.Error, "A refusal of the governance API ({Reason}) could not be recorded")]
    private partial void LogNotRecorded(Exception exception, string reason);
}
