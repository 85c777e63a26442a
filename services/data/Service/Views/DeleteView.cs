using Grpc.Core;
using Platform.Contracts;
using Platform.Data.Contracts.Events;
using Platform.Data.Contracts.V1;
using Platform.Data.Service.Schemas;

namespace Platform.Data.Service.Views;

internal sealed partial class ViewsService
{
    private const string MarkDeleted = "update data.view set deleted_at = $2, updated_at = $2, updated_by = $3 where id = $1";

    public override async Task<DeleteViewResponse> DeleteView(DeleteViewRequest request, ServerCallContext context)
    {
        var answer = await work.WriteAsync(context, async tx =>
        {
            var table = await LockAsync(tx, request.TableId);
            var view = table.FindView(request.View);
            await tx.ConfirmAsync(
                $"{view.Key}@{view.UpdatedAt:O}",
                new
                {
                    Table = table.Name,
                    View = view.Name,
                    view.Key,
                }
            );
            await tx.ExecuteAsync(MarkDeleted, view.Id, tx.Now.UtcDateTime, tx.Call.ActorId);
            var next = Versions.Next(tx, table.Id);
            await tx.ExecuteAsync(next.Sql, next.Arguments);
            tx.Announce(
                new ViewDeleted(tx.NewEventId(), tx.Call.WorkspaceId, tx.Now, table.Key, view.Key, view.Name),
                new Target("view", view.Key),
                new Target("table", table.Key)
            );
            return new DeleteViewResponse { ViewId = view.Key };
        });
        Forget(request.TableId);
        return answer;
    }
}
