using System.Text.Json;
using Grpc.Core;
using Platform.Audit.Contracts;
using Platform.Audit.Contracts.V1;
using Platform.Audit.Service.Log;
using Platform.Contracts;
using Platform.ServiceDefaults.Calls;

namespace Platform.Audit.Service.Calls;

internal sealed partial class CallsService
{
    private const int MaxRecords = 1000;
    private const int MaxDetails = 16 * 1024;

    // Rows are locked in one order, whatever the order of the records.
    private const string Number = """
        insert into audit.call_numbers (workspace_id, instance, received, changed_at)
        select n.workspace_id, $1, range_agg(int8range(n.number, n.number, '[]')), $2
        from unnest($3::uuid[], $4::bigint[]) as n(workspace_id, number) group by n.workspace_id order by n.workspace_id
        on conflict (workspace_id, instance) do update
            set received = call_numbers.received + excluded.received, changed_at = excluded.changed_at
        """;

    private const string Last = """
        insert into audit.call_numbers (workspace_id, instance, received, given, changed_at)
        select n.workspace_id, $1, '{}', max(n.number), $2
        from unnest($3::uuid[], $4::bigint[]) as n(workspace_id, number) group by n.workspace_id order by n.workspace_id
        on conflict (workspace_id, instance) do update
            set given = greatest(call_numbers.given, excluded.given), changed_at = excluded.changed_at
        """;

    public override async Task<RecordCallsResponse> RecordCalls(RecordCallsRequest request, ServerCallContext context)
    {
        if (!Guid.TryParse(request.Instance, out var instance))
        {
            throw Problem.Invalid("instance", "is not a UUID", "Send the id of this run of the edge.");
        }

        if (request.Records.Count > MaxRecords || request.LastNumbers.Count > MaxRecords)
        {
            throw Problem.Invalid(
                request.Records.Count > MaxRecords ? "records" : "lastNumbers",
                $"has more than {MaxRecords} items",
                $"Send at most {MaxRecords} at a time."
            );
        }

        if (request.Records.Count + request.LastNumbers.Count == 0)
        {
            return new RecordCallsResponse();
        }

        var events = request.Records.Select(ToCanonical).ToList();
        var (workspaces, numbers) = (
            events.ConvertAll(happened => happened.WorkspaceId).ToArray(),
            request.Records.Select(record => record.Number).ToArray()
        );
        var counted = request.LastNumbers.Select(ToCounted).ToList();
        return new RecordCallsResponse { Added = await arrivals.StoreAsync(events, context.CancellationToken, batch =>
            {
                var now = time.GetUtcNow().UtcDateTime;
                if (numbers.Length > 0)
                {
                    batch.Add(Number, instance, now, workspaces, numbers);
                }

                if (counted.Count > 0)
                {
                    batch.Add(
                        Last,
                        instance,
                        now,
                        counted.ConvertAll(last => last.Workspace).ToArray(),
                        counted.ConvertAll(last => last.Number).ToArray()
                    );
                }
            }) };
    }

    private static (Guid Workspace, long Number) ToCounted(LastNumber last, int index) =>
        (
            last.WorkspaceId.Length == 0 ? Guid.Empty : Id("wks", last.WorkspaceId, $"lastNumbers[{index}].workspaceId"),
            last.Number >= 1
                ? last.Number
                : throw Problem.Invalid($"lastNumbers[{index}].number", "is not positive", "Send the last number that was given.")
        );

    private static CanonicalEvent ToCanonical(CallRecord record, int index)
    {
        var path = $"records[{index}]";
        if (record.Number < 1)
        {
            throw Problem.Invalid($"{path}.number", "is not positive", "Number the records of each workspace from 1.");
        }

        if (record.Outcome == AuditOutcomes.Committed || !AuditOutcomes.All.Contains(record.Outcome))
        {
            throw Problem.Invalid(
                $"{path}.outcome",
                "is not an outcome that the edge records",
                "A committed change is recorded by its own event."
            );
        }

        if (record.Action.Length == 0 || record.OccurredAt is null)
        {
            throw Problem.Invalid(path, "has no action or no time", "Send both.");
        }

        if (record.Targets.Any(target => target.Ids.Count > Target.MaxIds))
        {
            throw Problem.Invalid($"{path}.targets", $"has more than {Target.MaxIds} ids", "Send the first ones, and the count of all.");
        }

        return new CanonicalEvent
        {
            Id = Id("evt", record.Id, $"{path}.id"),
            WorkspaceId = record.WorkspaceId.Length == 0 ? Guid.Empty : Id("wks", record.WorkspaceId, $"{path}.workspaceId"),
            EnvironmentId = record.EnvironmentId.Length == 0 ? null : Id("env", record.EnvironmentId, $"{path}.environmentId"),
            OccurredAt = record.OccurredAt.ToDateTimeOffset(),
            Action = AuditActions.Of(record.Action, record.Outcome),
            Outcome = record.Outcome,
            Reason = record.Reason,
            Source = "edge",
            Actor = record.Actor is { } actor
                ? new Actor(actor.Kind, actor.Id, actor.Role, actor.TokenId, actor.ClientId, actor.OnBehalfOf)
                : new Actor("unknown", "", null, null, null),
            Call = new CallInfo(record.CallId, record.Tool, record.Task, record.TraceParent, record.Permissions, record.EnvironmentKind),
            Targets = [.. record.Targets.Select(target => new Target(target.Kind, target.Ids, target.Count))],
            DurationMicroseconds = record.DurationMicroseconds == 0 ? null : record.DurationMicroseconds,
            Details = Details(record, $"{path}.details"),
        };
    }

    private static Guid Id(string prefix, string text, string field) =>
        Ids.TryParse(prefix, text, out var id)
            ? id
            : throw Problem.Invalid(field, $"is not an id of the form {prefix}_…", "Send the id as the API shows it.");

    private static JsonElement? Details(CallRecord record, string field)
    {
        if (record.Details is not { Utf8.Length: > 0 } details)
        {
            return null;
        }

        try
        {
            if (details.Utf8.Length <= MaxDetails && JsonElement.Parse(details.Utf8.Span) is { ValueKind: JsonValueKind.Object } value)
            {
                return value;
            }
        }
        catch (JsonException)
        {
            // Said below.
        }

        throw Problem.Invalid(field, $"is not a JSON object of at most {MaxDetails} bytes", "Send less.");
    }
}
