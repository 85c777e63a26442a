using Grpc.Core;
using Platform.Contracts;
using Platform.Data.Contracts.Events;
using Platform.Data.Contracts.V1;
using Platform.Data.Service.Schemas;
using Platform.ServiceDefaults.Calls;

namespace Platform.Data.Service.Views;

internal sealed partial class ViewsService
{
    private const string InsertView = """
        insert into data.view
            (workspace_id, environment_id, id, table_id, name, filter, sorting, fields, created_at, created_by, updated_at, updated_by)
        values (platform.workspace_id(), platform.environment_id(), $1, $2, $3, nullif($4, ''), $5, $6, $7, $8, $7, $8)
        """;

    public override async Task<CreateViewResponse> CreateView(CreateViewRequest request, ServerCallContext context)
    {
        Names.Check("name", request.Name);
        var answer = await work.WriteAsync(context, async tx =>
        {
            var table = await LockAsync(tx, request.TableId);
            if (table.Views.Count >= MaxViews)
            {
                throw Problem.Conflict(
                    Reasons.TooManyViews,
                    $"The table has {MaxViews} views, which is the most.",
                    "Delete one, or change one."
                );
            }

            var view = new ViewSchema(
                Ids.New(),
                request.Name,
                Filter(table, request.Filter),
                Sorting(table, request.Sorting),
                Fields(table, request.Fields),
                tx.Now.UtcDateTime
            );
            await tx.ExecuteAsync(
                InsertView,
                view.Id,
                table.Id,
                view.Name,
                view.Filter ?? "",
                view.Sorting.ToArray(),
                view.Fields.ToArray(),
                view.UpdatedAt,
                tx.Call.ActorId
            );
            var next = Versions.Next(tx, table.Id);
            await tx.ExecuteAsync(next.Sql, next.Arguments);
            tx.Announce(
                new ViewCreated(tx.NewEventId(), tx.Call.WorkspaceId, tx.Now, table.Key, view.Key, view.Name),
                new Target("view", view.Key),
                new Target("table", table.Key)
            );
            return new CreateViewResponse { View = view.ToView(table) };
        });
        Forget(request.TableId);
        return answer;
    }
}
