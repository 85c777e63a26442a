using System.Data;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Platform.Changes.Contracts.V1;
using Platform.Contracts;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Changes.Undo;

public sealed partial class ChangesService
{
    private const string FindTask = "select goal, begun_by, begun_at from platform.task where id = $1";

    public override async Task<SummarizeTaskResponse> SummarizeTask(SummarizeTaskRequest request, ServerCallContext context)
    {
        // Nothing is written. The transaction makes all queries see one state.
        var (answer, _) = await work.WriteAsync(
            context.Call(),
            async tx =>
            {
                var part = await FindPartAsync(tx, request.TaskId);
                var scope = new ChangeScope(request.TaskId, null);
                var changes = (await Journal.FindAsync(tx, scope))
                    .Where(change => !change.IsUndo && change.Action != "task.begun")
                    .ToList();
                var counted = await undo.SummarizeAsync(tx, scope, changes, part.Changes);
                foreach (
                    var kinds in changes
                        .Where(change => !counted.Contains(change.Id))
                        .GroupBy(change => (change.Targets[0].Kind, change.Action))
                )
                {
                    part.Changes.Add(Summary.Of(kinds.Key.Kind, [.. kinds], undo));
                }

                return new SummarizeTaskResponse { Parts = { part.Fit() } };
            },
            SessionSettings.Default,
            context.CancellationToken
        );
        return answer;
    }

    private async Task<TaskPart> FindPartAsync(WriteTransaction tx, string taskId) =>
        Ids.TryParse("tsk", taskId, out var id)
        && await tx.QueryOneAsync(
            FindTask,
            row => new TaskPart
            {
                Service = service.Name,
                Goal = row.GetString("goal"),
                BegunBy = row.GetString("begun_by"),
                BegunAt = Timestamp.FromDateTime(row.GetDateTime("begun_at")),
            },
            id
        )
            is { } part
            ? part
            : throw Problem.Of(
                StatusCode.NotFound,
                Reasons.TaskNotFound,
                $"There is no task {taskId} in this environment.",
                "Take the id from begin_task, or name another environment."
            );
}

file static class Summary
{
    private const int MaxIds = 100;

    /// <summary>Counted by what the events say they happened to.</summary>
    public static NetChange Of(string kind, IReadOnlyList<JournaledChange> changes, IChangeUndo undo)
    {
        var count = changes.Sum(change => change.Targets[0].Count);
        var verb = changes[0].Action.Split('.')[1];
        var summary = new NetChange
        {
            Kind = kind,
            Ids = { changes.SelectMany(change => change.Targets[0].Ids).Distinct(StringComparer.Ordinal).Take(MaxIds) },
            CannotBeUndone = undo.WhyNot(changes[0].Tool),
        };
        switch (verb)
        {
            case "created":
                summary.Created = count;
                break;
            case "deleted":
                summary.Deleted = count;
                break;
            default:
                summary.Updated = count;
                break;
        }

        return summary;
    }
}
