using System.Text.Json;
using System.Text.Json.Serialization;

namespace Platform.Contracts;

/// <summary>
/// A fact about a change that committed. Events are sealed records named in the past tense, in the Contracts of their owner.
/// </summary>
public interface IEvent
{
    Guid EventId { get; }

    Guid WorkspaceId { get; }

    DateTimeOffset OccurredAt { get; }
}

/// <summary>An event as it travels on the bus and into the audit log. Consumers can see it more than once; the event id tells.</summary>
/// <param name="EventId">UUIDv7, made in the transaction of the change.</param>
/// <param name="WorkspaceId">The workspace it belongs to.</param>
/// <param name="EnvironmentId">Null for what belongs to the workspace as a whole.</param>
/// <param name="OccurredAt">When the transaction of the change began, UTC.</param>
/// <param name="Source">The service that owns the change: directory, data, audit, identity.</param>
/// <param name="Type">The name of the event's record, such as <c>OrganizationCreated</c>.</param>
/// <param name="Action">The audit action, such as <c>organization.created</c>.</param>
/// <param name="Actor">Who did it.</param>
/// <param name="Call">The call it happened in.</param>
/// <param name="Targets">What it happened to.</param>
/// <param name="Payload">The typed event as JSON, camelCase.</param>
/// <param name="Refusal">Why it was refused, when that is what happened; null for a change.</param>
public sealed record EventEnvelope(
    Guid EventId,
    Guid WorkspaceId,
    Guid? EnvironmentId,
    DateTimeOffset OccurredAt,
    string Source,
    string Type,
    string Action,
    Actor Actor,
    CallInfo Call,
    IReadOnlyList<Target> Targets,
    JsonElement Payload,
    string? Refusal = null
)
{
    /// <summary>The typed event.</summary>
    public T Read<T>()
        where T : IEvent => Payload.Deserialize<T>(EventJson.Options)!;
}

/// <param name="Kind"><c>member</c> or <c>service</c>.</param>
/// <param name="Id">The member's id (<c>mbr_…</c>) or the service's name.</param>
/// <param name="Role">The role the decision was made from.</param>
/// <param name="TokenId">The personal token (<c>tok_…</c>) or the session of an OAuth token.</param>
/// <param name="ClientId">The OAuth client, or <c>personal-token</c>.</param>
/// <param name="OnBehalfOf">The member that a service worked for.</param>
public sealed record Actor(string Kind, string Id, string? Role, string? TokenId, string? ClientId, string? OnBehalfOf = null);

/// <param name="CallId">UUIDv7 of the call, made by the edge. Events of one call share it.</param>
/// <param name="Tool">The tool's name.</param>
/// <param name="Task">What the agent is about (<c>tsk_…</c>), when it said so.</param>
/// <param name="TraceParent">W3C traceparent of the span the change was made in.</param>
/// <param name="Permissions">What the caller was allowed at that moment.</param>
/// <param name="EnvironmentKind"><c>sandbox</c> or <c>production</c>.</param>
public sealed record CallInfo(
    string CallId,
    string Tool,
    string? Task,
    string? TraceParent,
    IReadOnlyList<string> Permissions,
    string? EnvironmentKind
);

/// <summary>What an event happened to: up to <see cref="MaxIds"/> ids of one kind, and how many there were in all.</summary>
[method: JsonConstructor]
public sealed record Target(string Kind, IReadOnlyList<string> Ids, int Count)
{
    public const int MaxIds = 1000;

    public Target(string kind, params IReadOnlyList<string> ids)
        : this(kind, ids.Count <= MaxIds ? ids : [.. ids.Take(MaxIds)], ids.Count) { }
}

/// <summary>Up to 200 events of one source in the order of its outbox.</summary>
public sealed record EventBatch(string Source, IReadOnlyList<EventEnvelope> Events);

/// <summary>
/// Every change of <paramref name="Source"/> that committed before <paramref name="CompleteTo"/>, by the clock of its database, has been
/// published. It follows those events, about every second, for whoever keeps something that they end.
/// </summary>
public sealed record OutboxProgress(string Source, DateTimeOffset CompleteTo);

/// <summary>How events are written as JSON, on the bus and in the outbox.</summary>
public static class EventJson
{
    public static JsonSerializerOptions Options { get; } = new(JsonSerializerDefaults.Web);
}
