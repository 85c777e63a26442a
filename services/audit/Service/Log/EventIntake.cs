using Platform.Audit.Contracts;
using Platform.Contracts;
using Platform.ServiceDefaults.Events;

namespace Platform.Audit.Service.Log;

/// <summary>Takes the events of all services off the bus: the audit record of a change is the event it announced.</summary>
internal sealed class EventIntake(Arrivals arrivals) : IEventConsumer
{
    public const string Queue = "audit-events";

    public Task ConsumeAsync(EventBatch batch, CancellationToken cancellationToken) =>
        arrivals.StoreAsync([.. batch.Events.Select(ToCanonical)], cancellationToken);

    private static CanonicalEvent ToCanonical(EventEnvelope happened) =>
        new()
        {
            Id = happened.EventId,
            WorkspaceId = happened.WorkspaceId,
            EnvironmentId = happened.EnvironmentId,
            OccurredAt = happened.OccurredAt,
            Action = happened.Action,
            Outcome = happened.Refusal is null ? AuditOutcomes.Committed : AuditOutcomes.Refused,
            Reason = happened.Refusal,
            Source = happened.Source,
            Type = happened.Type,
            Actor = happened.Actor,
            Call = happened.Call,
            Targets = happened.Targets,
            Details = happened.Payload,
        };
}
