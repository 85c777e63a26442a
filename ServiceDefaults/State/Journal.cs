using System.Data;
using System.Text.Json;
using Grpc.Core;
using Npgsql;
using NpgsqlTypes;
using Platform.Contracts;
using Platform.ServiceDefaults.Calls;

namespace Platform.ServiceDefaults.State;

/// <summary>A change that a call made in this service.</summary>
/// <param name="Id">Of its event.</param>
/// <param name="Type">Of its event, such as <c>OrganizationUpdated</c>.</param>
/// <param name="Targets">What it happened to; of each kind up to 100 ids, and how many there were.</param>
public sealed record JournaledChange(
    Guid Id,
    string CallId,
    string Tool,
    string Type,
    string Action,
    string Actor,
    DateTime ChangedAt,
    IReadOnlyList<Target> Targets
)
{
    internal bool IsUndo => Action is "task.undone" or "change.undone";
}

/// <summary>Which changes are meant: those of a task, or those of one call.</summary>
public sealed record ChangeScope(string? Task, string? CallId)
{
    /// <summary>Undoing a task does not undo what took parts of it back already. Undoing such a call does.</summary>
    public bool IncludesUndo => CallId is not null;
}

/// <summary>What calls have changed in this service, in order.</summary>
public static class Journal
{
    private const int MaxIds = 100;

    private const string InsertChanges = """
        insert into platform.change (id, call_id, task, tool, type, action, actor, changed_at, targets)
        select e.id, $2, $3, $4, e.type, e.action, $5, $6, e.targets::jsonb
        from unnest($1::uuid[], $7::text[], $8::text[], $9::text[]) with ordinality as e(id, type, action, targets, n) order by e.n
        """;

    private const string RequireTaskOfCaller = "select platform.require_task($1, $2)";

    private const string EnterTaskOfCaller = "select platform.enter_task($1, $2)";

    private const string FindChanges = """
        select id, call_id, tool, type, action, actor, changed_at, targets from platform.change
        where task = $1 or call_id = $2 order by position desc
        """;

    // The triggers that keep rows read these.
    private const string SetCall = "select set_config('platform.call_id', $1, true), set_config('platform.actor', $2, true)";

    internal static Statement Insert(IReadOnlyList<EventEnvelope> events)
    {
        var first = events[0];
        return new Statement(
            InsertChanges,
            events.Select(happened => happened.EventId).ToArray(),
            first.Call.CallId,
            Text(first.Call.Task),
            first.Call.Tool,
            first.Actor.Id,
            first.OccurredAt.UtcDateTime,
            events.Select(happened => happened.Type).ToArray(),
            events.Select(happened => happened.Action).ToArray(),
            events.Select(happened => JsonSerializer.Serialize(happened.Targets.Select(Shorten), EventJson.Options)).ToArray()
        );
    }

    /// <summary>
    /// What a change begins with: the triggers learn which call it is, and its task is checked. A change of the workspace as a whole is
    /// kept in the environment of its task.
    /// </summary>
    internal static IEnumerable<Statement> Begin(Call call)
    {
        if (call.Definition is not null)
        {
            yield return new Statement(SetCall, call.CallId, call.ActorId);
        }

        if (call.Task is not null)
        {
            yield return new Statement(
                call.Definition is { IsEnvironmentBound: false } ? EnterTaskOfCaller : RequireTaskOfCaller,
                Ids.TryParse("tsk", call.Task, out var task) ? task : throw UnknownTask(),
                call.ActorId
            );
        }
    }

    internal static RpcException UnknownTask() =>
        Problem.Of(
            StatusCode.NotFound,
            Reasons.TaskNotFound,
            "You have not begun a task with this id. Nothing was changed.",
            "Open one with begin_task and pass its id, or leave `task` out."
        );

    internal static RpcException TaskElsewhere() =>
        Problem.Of(
            StatusCode.NotFound,
            Reasons.TaskNotFound,
            "You have begun this task in another environment. Nothing was changed.",
            "Name that environment in `environment`, or open a task in this one with begin_task."
        );

    /// <summary>The changes meant, newest first.</summary>
    internal static Task<List<JournaledChange>> FindAsync(WriteTransaction tx, ChangeScope scope) =>
        tx.QueryAsync(
            FindChanges,
            row => new JournaledChange(
                row.GetGuid("id"),
                row.GetString("call_id"),
                row.GetString("tool"),
                row.GetString("type"),
                row.GetString("action"),
                row.GetString("actor"),
                row.GetDateTime("changed_at"),
                JsonSerializer.Deserialize<Target[]>(row.GetString("targets"), EventJson.Options)!
            ),
            Text(scope.Task),
            Text(scope.CallId)
        );

    private static Target Shorten(Target target) => new(target.Kind, [.. target.Ids.Take(MaxIds)], target.Count);

    private static NpgsqlParameter Text(string? value) =>
        new() { NpgsqlDbType = NpgsqlDbType.Text, Value = (object?)value ?? DBNull.Value };
}
