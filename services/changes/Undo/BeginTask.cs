using System.Security.Cryptography;
using System.Text;
using Grpc.Core;
using Platform.Changes.Contracts;
using Platform.Changes.Contracts.V1;
using Platform.Contracts;
using Platform.ServiceDefaults.Calls;

namespace Platform.Changes.Undo;

public sealed partial class ChangesService
{
    private const string InsertTask =
        "insert into platform.task (id, goal, begun_by, begun_at) values ($1, $2, $3, $4) on conflict (id) do nothing";

    public override Task<BeginTaskResponse> BeginTask(BeginTaskRequest request, ServerCallContext context) =>
        work.WriteAsync(context, async tx =>
        {
            var id = NewTask.IdOf(tx.Call);
            var key = Ids.Format("tsk", id);
            if (await tx.ExecuteAsync(InsertTask, id, request.Goal, tx.Call.ActorId, tx.Now.UtcDateTime) == 1)
            {
                tx.Announce(new TaskBegun(id, tx.Call.WorkspaceId, tx.Now, key, request.Goal), new Target("task", key));
            }

            return new BeginTaskResponse { TaskId = key };
        });
}

file static class NewTask
{
    // Every service derives the same id from the same call, and from its repeat when the first try reached only some of them.
    public static Guid IdOf(Call call) =>
        call.IdempotencyKey is { } key
            ? new Guid(
                SHA256.HashData(Encoding.UTF8.GetBytes($"{call.WorkspaceId} {call.EnvironmentId} {call.ActorId} {key}")).AsSpan(0, 16)
            )
            : new Guid(SHA256.HashData(Encoding.UTF8.GetBytes($"{call.WorkspaceId} {call.CallId}")).AsSpan(0, 16));
}
